"""Where connections come from: a pool of our own, or the user's Engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, exc
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from outbox.backends.engines import with_pool_of_its_own
from outbox.backends.sqlite.errors import CONSTRAINT, IOERR, primary_code, translated
from outbox.backends.sqlite.file_watch import on_its_file
from outbox.backends.sqlite.forks import File, file_of, gate
from outbox.backends.waiting import SLICE, Waiting
from outbox.errors import ConfigurationError, ConnectionLost, DatabaseError, OutboxClosed
from outbox.statements import Catalog
from outbox.unwrapping import innermost

# How long a thread waits for a connection of the pool: longer than any statement of ours should take.
CHECKOUT_TIMEOUT = 30.0
# How long a writer waits for the write lock unless the URL says otherwise: sqlite3's own default.
BUSY_TIMEOUT = 5.0
LEGACY = getattr(sqlite3, "LEGACY_TRANSACTION_CONTROL", -1)
"""What ``Connection.autocommit`` is, from Python 3.12 on, unless the user chose otherwise."""


class Source(Protocol):
    """Gives out connections on which no transaction is open and none is begun by itself."""

    waiting: Waiting
    patience: float
    """Seconds that a writer waits for the write lock."""
    shared: bool
    """Whether several connections are to be expected."""
    read_only: bool
    """Whether the connections are opened for reading only, as their URL says."""

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """Acquire a connection; a transaction that is left open is rolled back."""

    def writing(
        self, begin: str, spoiled: Callable[[], bool]
    ) -> AbstractContextManager[tuple[sqlite3.Connection, Any]]:
        """Acquire a connection in a transaction begun with ``begin``, and as its user gets to see it.

        Commits at a clean exit, else rolls back. Errors raised in the block pass as they are; raises
        `DatabaseError` when the transaction was ended there, `ConnectionLost` when the commit failed.
        The connection is closed afterwards when it is ``spoiled``: no statement puts back all that a user may
        have done to it (PRAGMAs, attached files, temporary tables, functions), and opening one takes far
        less time than the commit's fsync.
        """

    def dedicated(self) -> Source:
        """Return a source of one connection of its own, closed by its `close`; opens nothing yet."""

    def close(self) -> None:
        """Close what is ours."""


class PoolSource:
    """Connections of our own: autocommit, so that transactions begin and end where we say."""

    def __init__(self, url: URL, size: int, catalog: Catalog) -> None:
        self._url = url
        self._catalog = catalog
        self._on_open = catalog[f"synchronous_{synchronous_of(url)}"].named
        url = url.difference_update_query(["synchronous"])
        arguments, options = SQLiteDialect_pysqlite().create_connect_args(url)
        self.patience = float(options.setdefault("timeout", BUSY_TIMEOUT))
        self.shared = size > 1
        self.read_only = is_read_only(url)
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
        gate.sources.add(self)

    def _open(self) -> Any:
        gate.check(self)
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
    def reading(self, spoiled: Callable[[], bool] = lambda: False) -> Iterator[sqlite3.Connection]:
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
            if not left_clean(conn) or not sound or spoiled() or self._closed:
                loan.invalidate()
            loan.close()

    def _checkout(self) -> PoolProxiedConnection:
        for _ in self.waiting.slices(CHECKOUT_TIMEOUT):
            with translated(), suppress(PoolTimeout):
                return on_its_file(self._pool, self._path)
        raise ConnectionLost("SQLite: no connection available: the pool is exhausted")

    @contextmanager
    def writing(self, begin: str, spoiled: Callable[[], bool]) -> Iterator[tuple[sqlite3.Connection, Any]]:
        with self.reading(spoiled) as conn:
            with translated():
                conn.execute(begin)
            yield conn, conn
            check_open(conn)
            with committing():
                conn.commit()

    def dedicated(self) -> PoolSource:
        source = PoolSource(self._url, 1, self._catalog)
        source.waiting = self.waiting
        return source

    def file(self) -> File | None:
        return file_of(self._path)

    def rest(self) -> None:
        if self.file() is not None:  # what is in memory is gone with its last connection
            self._pool.dispose()

    def close(self) -> None:
        self._closed = True
        self._pool.dispose()


def is_read_only(url: URL) -> bool:
    """Tell whether a URL asks SQLite for connections that cannot write."""
    return url.query.get("mode") == "ro" or url.query.get("immutable") in {"1", "true", "yes", "on"}


def synchronous_of(url: URL) -> str:
    """Return how hard commits are written to the disk."""
    value = url.query.get("synchronous", "full")
    if value not in {"full", "normal"}:
        raise ConfigurationError("synchronous", value, "use full or normal")
    return str(value)


class EngineSource:
    """Connections of the user's Engine, given back with the settings that they came with."""

    shared = True
    patience = BUSY_TIMEOUT

    def __init__(self, engine: Engine, *, owned: bool = False) -> None:
        self.waiting = Waiting()
        self._engine = engine
        self._owned = owned
        self.read_only = is_read_only(engine.url)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with translated():
            loan = self._engine.raw_connection()
        # A tracing agent may have wrapped it.
        conn: sqlite3.Connection = innermost(loan.dbapi_connection, sqlite3.Connection)
        try:
            with plain(conn):
                yield conn
        finally:
            if not left_clean(conn):
                loan.invalidate()
            loan.close()

    @contextmanager
    def writing(self, begin: str, spoiled: Callable[[], bool]) -> Iterator[tuple[sqlite3.Connection, Any]]:
        with translated():
            outer = self._engine.connect()
        conn: sqlite3.Connection = innermost(outer.connection.dbapi_connection, sqlite3.Connection)
        with outer, discarding(outer, spoiled), plain(conn):
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

    def dedicated(self) -> EngineSource:
        source = EngineSource(with_pool_of_its_own(self._engine), owned=True)
        source.waiting = self.waiting
        return source

    def close(self) -> None:
        """Leave the user's Engine open."""
        if self._owned:
            self._engine.dispose()


@contextmanager
def discarding(outer: Connection, spoiled: Callable[[], bool]) -> Iterator[None]:
    """Have the pool open another connection in the place of one that is spoiled."""
    try:
        yield
    finally:
        if spoiled() and not outer.closed:
            outer.invalidate()


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


def check_open(conn: sqlite3.Connection) -> None:
    """Raise `DatabaseError` when a handler has ended the transaction that it was given."""
    try:
        is_open = conn.in_transaction
    except sqlite3.Error:  # it closed the connection
        is_open = False
    if not is_open:
        raise ended()


def ended() -> DatabaseError:
    """Make the error for a transaction that a handler ended."""
    return DatabaseError(
        "SQLite: the transaction was ended by the code that was given it; "
        "leave commit and rollback to the outbox, or use a leased handler or a connection of your own"
    )


def left_clean(conn: sqlite3.Connection) -> bool:
    """Roll back what is still open; False when the connection is of no more use."""
    try:
        if conn.in_transaction:
            conn.rollback()
    except sqlite3.Error:
        return False
    return True


@contextmanager
def committing() -> Iterator[None]:
    """Raise `ConnectionLost` when a commit fails, unless it was a deferred constraint that failed."""
    try:
        yield
    except (sqlite3.Error, exc.DBAPIError) as error:
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        violated = isinstance(cause, sqlite3.Error) and primary_code(cause) == CONSTRAINT
        kind = DatabaseError if violated else ConnectionLost
        raise kind(f"SQLite: the commit failed: {cause}") from error
