"""Where connections come from: our own pool, the user's pool, or the user's Engine (`engine_source`)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from typing import Any, Protocol, TypeAlias

import psycopg
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout

from outbox.backends.postgresql.idleness import Idleness
from outbox.backends.postgresql.outage import POOL_NAME, Outage
from outbox.backends.postgresql.pooler import Pooler
from outbox.backends.postgresql.resetting import Resetting, driver_settings
from outbox.backends.postgresql.settings import OddSessions, connect_timeout, keepalives, own_session
from outbox.backends.waiting import Waiting, never
from outbox.clock import in_real_time
from outbox.runtime import exiting, sockets
from outbox.statements import Catalog

PgConnection: TypeAlias = "psycopg.Connection[Any]"

# The encoding is ours whatever the environment says: in that of a database without one (SQL_ASCII) psycopg
# gives texts as bytes.
OWN_SESSIONS = {"autocommit": True, "application_name": "outbox", "client_encoding": "utf8"}
# How long a worker waits for a connection of the pool before it reports the server as lost.
CHECKOUT_TIMEOUT = 8.0


class Source(Protocol):
    """Gives connections out for the length of a statement or of a transactional handler."""

    waiting: Waiting
    pooler: Pooler

    def reading(self) -> AbstractContextManager[PgConnection]:
        """Acquire a connection on which every statement is its own transaction."""

    def writing(
        self, spoiled: Callable[[], bool] = never
    ) -> AbstractContextManager[tuple[PgConnection, Any]]:
        """Acquire ``(driver connection, what a handler gets)`` with an open transaction.

        Commits at a clean exit and rolls back at an exception. A connection of our own is as good as new
        afterwards, also when it is ``spoiled``: code of a user's had it.
        """

    def connect(self) -> PgConnection:
        """Open an autocommit connection that the caller owns and closes."""

    def dedicated(self) -> Source:
        """Return a source of one connection of its own, closed by its `close`; opens nothing yet."""

    def recheck(self) -> None:
        """After a connection was lost: throw out the other dead ones, if that is ours to do."""

    def close(self) -> None:
        """Close what is ours."""


class SingleSource:
    """One connection apart from every pool; a second thread waits for the first one.

    The connection is opened at the first use. After any error it is closed, and the next use opens
    another one.
    """

    def __init__(self, connect: Callable[[], PgConnection], waiting: Waiting, pooler: Pooler) -> None:
        self.waiting = waiting
        self.pooler = pooler
        self._connect = connect
        self._lock = threading.Lock()
        self._conn: PgConnection | None = None

    @contextmanager
    def reading(self) -> Iterator[PgConnection]:
        with self._lock:
            if self._conn is None or self._conn.closed:
                self._conn = self._connect()
            try:
                yield self._conn
            except BaseException:
                self._close()
                raise

    @contextmanager
    def writing(
        self,
        spoiled: Callable[[], bool] = never,  # noqa: ARG002 - no user's code gets this connection
    ) -> Iterator[tuple[PgConnection, Any]]:
        with self.reading() as conn, conn.transaction():
            yield conn, conn

    def connect(self) -> PgConnection:
        return self._connect()

    def dedicated(self) -> SingleSource:
        return SingleSource(self._connect, self.waiting, self.pooler)

    def recheck(self) -> None:
        """There is no other connection to look at."""

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()


class PoolSource:
    """A psycopg pool: our own (``owned``) or the user's, which is never closed."""

    def __init__(
        self, pool: ConnectionPool[Any], catalog: Catalog, *, owned: bool, pooler: Pooler | None = None
    ) -> None:
        self.waiting = Waiting()
        self.pooler = pooler or Pooler()
        self._pool = pool
        self._owned = owned
        self._closed = False
        self._outage = Outage(pool)
        self._idleness = Idleness()
        self._odd = OddSessions(catalog, self.pooler)
        self._reset = Resetting(catalog)

    @classmethod
    def from_conninfo(cls, conninfo: str, size: int, catalog: Catalog) -> PoolSource:
        """Make a pool of at most ``size`` connections; it opens, with threads of its own, when one is needed.

        Raises `ConfigurationError` for what libpq cannot read.
        """
        pooler = Pooler()
        pool = ConnectionPool(
            conninfo,
            kwargs={**OWN_SESSIONS, **connect_timeout(conninfo), **keepalives(conninfo)},
            configure=own_session(catalog, pooler),
            min_size=0,
            max_size=size,
            timeout=CHECKOUT_TIMEOUT,
            max_idle=120.0,
            # Give an attempt up before its pauses grow: the next request begins a new one.
            reconnect_timeout=5.0,
            name=POOL_NAME,
            open=False,
        )
        source = cls(pool, catalog, owned=True, pooler=pooler)
        exiting.opened.add(source)
        return source

    @property
    def _sessions_are_ours(self) -> bool:
        """Whether sessions are set up once and stay so: not the user's, nor those behind a pooler."""
        return self._owned and not self.pooler.found

    @contextmanager
    def reading(self) -> Iterator[PgConnection]:
        with self._acquire() as conn:
            if self._sessions_are_ours or not self._odd.is_odd(conn):
                yield conn
            else:
                with self._odd.transaction(conn):
                    yield conn

    @contextmanager
    def writing(self, spoiled: Callable[[], bool] = never) -> Iterator[tuple[PgConnection, Any]]:
        with self._acquire() as conn:
            # Also the user's: what is locked here must not outlive the process.
            sockets.keep(conn.fileno())
            if not self._sessions_are_ours:
                with self._odd.transaction(conn):
                    yield conn, conn
                return
            before = driver_settings(conn)
            try:
                with conn.transaction():
                    yield conn, conn
            finally:
                if spoiled():
                    self._reset(conn, before)

    @contextmanager
    def _acquire(self) -> Iterator[PgConnection]:
        conn = self._checkout()
        try:
            with autocommitting(conn), self.pooler.unprepared(conn):
                yield conn
            # Usually nothing is open. What a handler began by a statement is kept like its others.
            if not conn.closed:
                end_transaction(conn)
        except BaseException:
            # The pool would do it as well, and warn.
            with suppress(psycopg.Error):
                conn.rollback()
            raise
        finally:
            self._idleness.used(conn)
            self._pool.putconn(conn)

    def dedicated(self) -> SingleSource:
        return SingleSource(self.connect, self.waiting, self.pooler)

    def connect(self) -> PgConnection:
        given = self._pool.kwargs
        kwargs = dict((given() if callable(given) else given) or {})
        kwargs.update(autocommit=True, application_name="outbox")
        conninfo = self._pool.conninfo
        connect = self._pool.connection_class.connect
        conn: PgConnection = connect(conninfo if isinstance(conninfo, str) else conninfo(), **kwargs)
        sockets.keep(conn.fileno())
        try:
            # What the user's pool does to a new connection, say to its search_path, has no public name.
            if configure := getattr(self._pool, "_configure", None):
                configure(conn)
                end_transaction(conn)
                conn.autocommit = True
        except BaseException:
            conn.close()
            raise
        return conn

    def recheck(self) -> None:
        self._outage.connection_lost()
        self._pool.check()

    def close(self) -> None:
        self._closed = True
        if self._owned:
            # By a stopped clock the end of its scheduler would never be due.
            in_real_time(partial(self._pool.close, timeout=5.0))

    def end(self) -> None:
        """Close the pool at the end of the program; see `outbox.runtime.exiting`."""
        self.close()

    def _checkout(self) -> PgConnection:
        """Get a connection; gives up early where the pool cannot connect, or the workers are to stop."""
        if self._pool.closed and self._owned and not self._closed:
            self._pool.open()
        self._outage.begin()
        for seconds in self.waiting.slices(CHECKOUT_TIMEOUT):
            try:
                return self._living(seconds)
            except PoolTimeout:
                if self._outage.lasts():
                    msg = "the server refuses connections or is away"
                    raise PoolTimeout(msg) from None
        msg = "the pool is exhausted"
        raise PoolTimeout(msg)

    def _living(self, seconds: float) -> PgConnection:
        """Get a connection; one that was idle for long, and was cut off meanwhile, is replaced."""
        while True:
            conn: PgConnection = self._pool.getconn(seconds)
            if self._idleness.trusts(conn):
                return conn
            # The next one may lead to another server, whose numbers are of another epoch.
            self.waiting.count_loss()
            self._pool.putconn(conn)


def connector(listen_url: str | None) -> Callable[[], PgConnection] | None:
    """Return what opens autocommit connections to where the listener is to listen; None for None.

    Raises `ConfigurationError` for what libpq cannot read.
    """
    if listen_url is None:
        return None
    bounded = {**connect_timeout(listen_url, option="listen_url"), **keepalives(listen_url)}
    return partial(psycopg.connect, listen_url, autocommit=True, application_name="outbox", **bounded)


def end_transaction(conn: PgConnection) -> None:
    """Commit what a listener of the Engine's began when it set the session up; usually there is nothing."""
    if conn.pgconn.transaction_status != TransactionStatus.IDLE:
        conn.commit()


@contextmanager
def autocommitting(conn: PgConnection) -> Iterator[None]:
    """Switch autocommit on, which costs no round trip, and put it back as it was."""
    if conn.autocommit:
        yield
        return
    conn.autocommit = True
    try:
        yield
    finally:
        if not conn.closed:
            conn.autocommit = False
