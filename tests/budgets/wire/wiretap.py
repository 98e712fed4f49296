"""A database seen through a tap."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.budgets.wire import sqlite
from tests.budgets.wire.proxy import Proxy
from tests.budgets.wire.tap import Tap
from tests.support import Database
from tests.support.databases.sqlite import SqliteDatabase

# Encryption would hide what passes.
_PLAIN = {"postgresql": "sslmode=disable&gssencmode=disable", "mysql": "ssl_disabled=true"}


@dataclass(frozen=True)
class Wire:
    """Statements through ``url`` are noted in ``tap``; those of the database's own connections are not."""

    url: str
    tap: Tap
    proxy: Proxy | None
    """None on SQLite, which has no wire."""


@contextmanager
def tapped(database: Database) -> Iterator[Wire]:
    """Listen in between this process and the database."""
    if isinstance(database, SqliteDatabase):
        tap = Tap()
        with sqlite.listening(database.path, tap.note) as path:
            yield Wire(f"sqlite:///{path}", tap, None)
        return
    parts = urlsplit(database.url)
    assert parts.hostname
    assert parts.port
    family = "postgresql" if database.backend == "postgresql" else "mysql"
    proxy = Proxy(family, parts.hostname, parts.port)
    account, _, _ = parts.netloc.rpartition("@")
    where = f"{account}@127.0.0.1:{proxy.port}" if account else f"127.0.0.1:{proxy.port}"
    query = "&".join(filter(None, (parts.query, _PLAIN[family])))
    try:
        yield Wire(parts._replace(netloc=where, query=query).geturl(), proxy.tap, proxy)
    finally:
        proxy.close()
