"""Lease tokens: fresh per acquisition, so that not even our own zombie can pass for the owner."""

from __future__ import annotations

import os
import secrets
import socket
import threading


class Tokens:
    """Makes tokens that tell an operator who holds a lease: ``host:pid:thread:random``."""

    def __init__(self) -> None:
        host = "".join(c if c.isascii() and (c.isalnum() or c in ".-") else "-" for c in socket.gethostname())
        self._origin = f"{host[:48]}:{os.getpid()}"

    def fresh(self) -> str:
        """Return a token nobody has had, at most 128 ASCII characters."""
        return f"{self._origin}:{threading.get_native_id()}:{secrets.token_hex(8)}"
