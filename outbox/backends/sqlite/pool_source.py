"""A pool of our own for a URL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from outbox.backends.sqlite.errors import IOERR, primary_code, translated
from outbox.backends.sqlite.source import check_open, committing, left_clean
from outbox.backends.waiting import SLICE, Waiting
from outbox.errors import ConfigurationError, ConnectionLost, OutboxClosed
from outbox.statements import Catalog
from outbox.unwrapping import innermost

CHECKOUT_TIMEOUT = 30.0
BUSY_TIMEOUT = 5.0
DRIVERS = frozenset({"sqlite", "sqlite+pysqlite"})


class PoolSource:
    """Connections of our own: autocommit, so that transactions begin and end where we say."""

    def __init__(self, url: URL, size: int, catalog: Catalog) -> None:
        check_url(url)
        self._url = url
        self._catalog = catalog
        self._on_open = catalog[f"synchronous_{synchronous_of(url)}"].named
        url = url.difference_update_query(["synchronous"])
        arguments, options = SQLiteDialect_pysqlite().create_connect_args(url)
        self.patience = float(options.setdefault("timeout", BUSY_TIMEOUT))
        self.shared = size > 1
        self._path = arguments[0]
        self._options = {**options, "isolation_level": None, "check_same_thread": False, "detect_types": 0}
        self.waiting = Waiting()
        self._closed = False
        self._pool = QueuePool(
            self._open,
            pool_size=size,
            max_overflow=0,
            timeout=SLICE,
            reset_on_return=None,
            use_lifo=True,
        )

    def _open(self) -> Any:
        try:
            conn = sqlite3.connect(self._path, **self._options)
        except sqlite3.OperationalError as error:
            raise ConnectionLost(f"SQLite: {error}: {self._path}") from error
        try:
            conn.execute(self._on_open)
        except BaseException:
            conn.close()
            raise
        return conn

    @contextmanager
    def borrow(self) -> Iterator[sqlite3.Connection]:
        if self._closed:
            raise OutboxClosed("the outbox is closed: build a new one")
        loan = self._checkout()
        # A tracing agent may have wrapped it.
        conn: sqlite3.Connection = innermost(loan.dbapi_connection, sqlite3.Connection)
        sound = True
        try:
            yield conn
        except sqlite3.Error as error:
            sound = primary_code(error) != IOERR
            raise
        except ConnectionLost:
            sound = False
            raise
        finally:
            if not left_clean(conn) or not sound or self._closed:
                loan.invalidate()
            loan.close()

    def _checkout(self) -> PoolProxiedConnection:
        for _ in self.waiting.slices(CHECKOUT_TIMEOUT):
            with translated(), suppress(PoolTimeout):
                return self._pool.connect()
        raise ConnectionLost("SQLite: no connection to be had: all of the pool are in use")

    @contextmanager
    def lend(self, begin: str) -> Iterator[tuple[sqlite3.Connection, Any]]:
        with self.borrow() as conn:
            with translated():
                conn.execute(begin)
            yield conn, conn
            check_open(conn)
            with committing():
                conn.commit()

    def apart(self) -> PoolSource:
        source = PoolSource(self._url, 1, self._catalog)
        source.waiting = self.waiting
        return source

    def close(self) -> None:
        self._closed = True
        self._pool.dispose()


def check_url(url: URL) -> None:
    """Refuse other drivers, and databases in memory: each connection would have one of its own."""
    shown = url.render_as_string()
    if url.drivername not in DRIVERS:
        raise ConfigurationError("target", shown, "SQLite is used through sqlite3; write sqlite:///path")
    database = url.database or ":memory:"
    if ":memory:" in database or "mode=memory" in database or url.query.get("mode") == "memory":
        raise ConfigurationError(
            "target",
            shown,
            "a database in memory is not shared between threads; give the path of a file",
        )


def synchronous_of(url: URL) -> str:
    """Return how hard commits are written to the disk."""
    value = url.query.get("synchronous", "full")
    if value not in {"full", "normal"}:
        raise ConfigurationError("synchronous", value, "use full or normal")
    return str(value)
