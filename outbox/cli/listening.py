"""Where a command listens."""

from __future__ import annotations

from typing import Any, NamedTuple

import click


class Address(NamedTuple):
    """A host's name or address, and a port; 0 takes a free one."""

    host: str
    port: int


# Generic in newer releases of click alone.
class AddressType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """``HOST:PORT``, or ``[::1]:PORT``."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Read an address."""
        if isinstance(value, Address):
            return value
        host, colon, port = str(value).rpartition(":")
        if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65_535):
            self.fail(f"{value!r} is no address; write HOST:PORT, such as 127.0.0.1:9187", param, ctx)
        return Address(host.removeprefix("[").removesuffix("]"), int(port))


ADDRESS = AddressType()
