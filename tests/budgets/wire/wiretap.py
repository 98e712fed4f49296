"""A database seen through a tap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.budgets.wire import sqlite
from tests.budgets.wire.proxy import Proxy
from tests.budgets.wire.tap import Tap

# Encryption would hide what passes.
_PLAIN = {
    "postgresql": "sslmode=disable&gssencmode=disable",
    "mysql": "ssl_disabled=true",
    "mariadb": "ssl_disabled=true",
}


@dataclass(frozen=True)
class Wire:
    """Statements through ``url`` are noted in ``tap``; those of the database's own connections are not."""

    url: str
    tap: Tap
    proxy: Proxy | None
    """None on SQLite, which has no wire."""


@contextmanager
def tapped(url: str) -> Iterator[Wire]:
    """Listen in between this process and a database."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        tap = Tap()
        with sqlite.listening(Path(parts.path[1:]), tap.note) as path:
            yield Wire(f"sqlite:///{path}", tap, None)
        return
    assert parts.hostname
    assert parts.port
    proxy = Proxy(parts.scheme, parts.hostname, parts.port)
    account, _, _ = parts.netloc.rpartition("@")
    where = f"{account}@127.0.0.1:{proxy.port}" if account else f"127.0.0.1:{proxy.port}"
    query = "&".join(filter(None, (parts.query, _PLAIN[parts.scheme])))
    try:
        yield Wire(parts._replace(netloc=where, query=query).geturl(), proxy.tap, proxy)
    finally:
        proxy.close()
