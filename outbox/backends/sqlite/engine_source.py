"""The user's SQLAlchemy Engine on sqlite3."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import SingletonThreadPool, StaticPool

from outbox.backends.engines import with_pool_of_its_own
from outbox.backends.sqlite.errors import translated
from outbox.backends.sqlite.pool_source import BUSY_TIMEOUT
from outbox.backends.sqlite.source import check_open, committing, ended, left_clean
from outbox.backends.waiting import Waiting
from outbox.errors import ConfigurationError
from outbox.unwrapping import innermost

LEGACY = getattr(sqlite3, "LEGACY_TRANSACTION_CONTROL", -1)
"""What ``Connection.autocommit`` is, from Python 3.12 on, unless the user chose otherwise."""


class EngineSource:
    """Connections of the user's Engine, given back with the settings that they came with."""

    shared = True
    patience = BUSY_TIMEOUT

    def __init__(self, engine: Engine, *, owned: bool = False) -> None:
        check_engine(engine)
        self.waiting = Waiting()
        self._engine = engine
        self._owned = owned

    @contextmanager
    def borrow(self) -> Iterator[sqlite3.Connection]:
        with translated():
            loan = self._engine.raw_connection()
        conn: sqlite3.Connection = innermost(loan.dbapi_connection, sqlite3.Connection)
        try:
            with plain(conn):
                yield conn
        finally:
            if not left_clean(conn):
                loan.invalidate()
            loan.close()

    @contextmanager
    def lend(self, begin: str) -> Iterator[tuple[sqlite3.Connection, Any]]:
        with translated():
            outer = self._engine.connect()
        conn: sqlite3.Connection = innermost(outer.connection.dbapi_connection, sqlite3.Connection)
        with outer, plain(conn):
            with translated():
                transaction = outer.begin()
                # The Engine may have a listener that begins by itself, and without the write lock.
                left_clean(conn)
                conn.execute(begin)
            yield conn, outer
            if not transaction.is_active:
                raise ended()
            check_open(conn)
            with committing():
                transaction.commit()

    def apart(self) -> EngineSource:
        source = EngineSource(with_pool_of_its_own(self._engine), owned=True)
        source.waiting = self.waiting
        return source

    def close(self) -> None:
        """Leave the user's Engine open."""
        if self._owned:
            self._engine.dispose()


@contextmanager
def plain(conn: sqlite3.Connection) -> Iterator[None]:
    """Switch the driver's own transactions off, and put everything back as it was."""
    control = getattr(conn, "autocommit", LEGACY)
    level, text = conn.isolation_level, conn.text_factory
    if control != LEGACY:
        set_control(conn, True)  # ends the empty transaction that False keeps open
        set_control(conn, LEGACY)
    conn.isolation_level = None
    conn.text_factory = str
    try:
        yield
    finally:
        # A connection that was closed meanwhile needs no settings.
        with suppress(sqlite3.Error):
            left_clean(conn)
            conn.isolation_level, conn.text_factory = level, text
            if control != LEGACY:
                set_control(conn, control)


def set_control(conn: sqlite3.Connection, value: int) -> None:
    """Set ``Connection.autocommit``, which the type checker's oldest Python does not have."""
    setattr(conn, "autocommit", value)  # noqa: B010


def check_engine(engine: Engine) -> None:
    """Refuse other drivers, and pools whose connections threads share or cannot share."""
    shown = engine.url.render_as_string()
    if engine.dialect.name != "sqlite" or engine.dialect.driver != "pysqlite":
        raise ConfigurationError("target", shown, "SQLite is used through sqlite3; write sqlite:///path")
    if isinstance(engine.pool, StaticPool):
        raise ConfigurationError(
            "target",
            shown,
            "its pool gives one connection to all threads, whose transactions would mix; use a file",
        )
    if isinstance(engine.pool, SingletonThreadPool) and engine.url.query.get("cache") != "shared":
        raise ConfigurationError(
            "target", shown, "its pool gives each thread a database in memory of its own; use a file"
        )
