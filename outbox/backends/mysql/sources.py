"""Where connections come from: a pool of our own, or the user's Engine."""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from outbox.backends.engines import with_pool_of_its_own
from outbox.backends.mysql.errors import translated
from outbox.backends.mysql.resetting import driver_settings, reset
from outbox.backends.mysql.server import verify
from outbox.backends.mysql.session import Session
from outbox.backends.waiting import SLICE, Waiting
from outbox.clock import Clock, monotonic
from outbox.errors import ConfigurationError, ConnectionLost, DatabaseError, ReadOnlyServer
from outbox.runtime.sockets import keep_opened_by
from outbox.statements import Catalog

log = logging.getLogger("outbox.backends.mysql")

# How long a thread waits for a connection of the pool: longer than any statement of ours should take.
CHECKOUT_TIMEOUT = 30.0
PORT = 3306  # the driver's own default
AUTOCOMMIT_FLAG = 2  # in the status that ends every answer of the server
# After this many seconds without use a connection is asked whether it still lives. The user's may be
# cut off sooner than our own, but a worker's poll is to ask of neither.
TRUSTED_FOR = 30.0
ENGINE_TRUSTED_FOR = 5.0


class PoolSource:
    """A pool of at most ``size`` connections; the first is opened when it is needed.

    Sessions are READ COMMITTED, set once. A transaction costs no BEGIN: autocommit is off, and is switched
    on, and remembered, when a connection serves a read by itself. An idle process, which only reads, sends
    nothing but that read; a working one sends the switch now and then.
    """

    def __init__(
        self, driver: Any, arguments: dict[str, Any], size: int, catalog: Catalog, *, clock: Clock = monotonic
    ) -> None:
        self._driver = driver
        self._arguments = arguments
        self._database: str = arguments["database"]
        self.catalog = catalog
        self._clock = clock
        self._lost_at = clock()
        self.waiting = Waiting(clock=clock)
        self._pool = QueuePool(
            self._connect,
            pool_size=size,
            max_overflow=0,
            timeout=SLICE,
            reset_on_return=None,
            use_lifo=True,
        )

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._acquire(autocommit=True) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with self._acquire(autocommit=False) as session:
            yield session
            session.commit()

    def dedicated(self) -> PoolSource:
        source = PoolSource(self._driver, self._arguments, 1, self.catalog, clock=self._clock)
        source.waiting = self.waiting
        return source

    def close(self) -> None:
        self._pool.dispose()

    @contextmanager
    def _acquire(self, *, autocommit: bool) -> Iterator[Session]:
        entry = self._checkout()
        connection: Any = entry.driver_connection
        try:
            if entry.info.get("autocommit", False) is not autocommit:
                with translated():
                    connection.autocommit = autocommit
                entry.info["autocommit"] = autocommit
            session = Session(self.catalog, connection, connection)
            before = driver_settings(connection)
            try:
                yield session
            except BaseException as error:
                self._clean_up(entry, error)
                raise
            finally:
                if session.spoiled and entry.is_valid and not reset(session, self._database, before):
                    entry.invalidate()
        finally:
            if entry.is_valid:
                entry.info["used_at"] = self._clock()
                note_autocommit(entry)
            entry.close()

    def _checkout(self) -> PoolProxiedConnection:
        while True:
            entry = self._take()
            used_at = entry.info.get("used_at")
            if used_at is None or (used_at > self._lost_at and used_at > self._clock() - TRUSTED_FOR):
                return entry
            if is_alive(entry.driver_connection):
                return entry
            entry.invalidate()

    def _take(self) -> PoolProxiedConnection:
        for _ in self.waiting.slices(CHECKOUT_TIMEOUT):
            with suppress(PoolTimeout), translated():
                return self._pool.connect()
        msg = "MySQL: no connection available: the pool is exhausted"
        raise ConnectionLost(msg)

    def _clean_up(self, entry: PoolProxiedConnection, error: BaseException) -> None:
        """Leave a connection without a transaction, or throw it away."""
        # A failover may have left it on a standby without cutting it; a new one finds the primary.
        if isinstance(error, (ConnectionLost, ReadOnlyServer)):
            self._lost_at = self._clock()
            entry.invalidate(error)
            return
        try:
            connection: Any = entry.driver_connection
            connection.rollback()
        except Exception as failed:
            log.debug("the rollback failed, the connection is discarded", exc_info=True)
            entry.invalidate(failed)

    def _connect(self) -> Any:
        try:
            connection = keep_opened_by(
                partial(self._driver.connect, **self._arguments), self._arguments.get("port", PORT)
            )
        except AttributeError as error:  # the driver's word for an option that it does not know
            place = f"mysql://{self._arguments.get('host', 'localhost')}/{self._database}"
            problem = f"the driver says {str(error)!r}; leave that option out of the URL"
            raise ConfigurationError("target", place, problem) from error
        try:
            session = Session(self.catalog, connection, connection)
            session.command("own_session")
            verify(session)
            connection.rollback()
        except BaseException:
            connection.close()
            raise
        return connection


def note_autocommit(entry: PoolProxiedConnection) -> None:
    """Note what the server last said, which costs nothing: a handler may have switched it.

    Only the C extension keeps that; with the other one, what we remember must do.
    """
    status = getattr(entry.driver_connection, "_server_status", None)
    if isinstance(status, int):
        entry.info["autocommit"] = bool(status & AUTOCOMMIT_FLAG)


def is_alive(connection: Any) -> bool:
    """Ask the server; 1 round trip."""
    try:
        connection.ping(reconnect=False)
    except Exception:
        return False
    return True


class EngineSource:
    """The user's Engine on mysql-connector-python, which is never disposed of.

    Whatever its sessions are set to, ours run in a READ COMMITTED transaction of their own, which costs two
    more statements: the level, for that one transaction, and START TRANSACTION, because the session may
    commit by itself. Nothing of a session is changed for good.
    """

    def __init__(
        self, engine: Engine, catalog: Catalog, *, owned: bool = False, clock: Clock = monotonic
    ) -> None:
        self.waiting = Waiting()
        self._clock = clock
        self._engine = engine
        self.catalog = catalog
        self._owned = owned

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._acquire() as (_, session):
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with self._acquire() as (outer, session):
            session.command("read_committed")
            session.command("begin")
            yield session
            with translated():
                outer.commit()

    def dedicated(self) -> EngineSource:
        source = EngineSource(with_pool_of_its_own(self._engine), self.catalog, owned=True)
        source.waiting = self.waiting
        return source

    def close(self) -> None:
        """Leave the user's Engine open."""
        if self._owned:
            self._engine.dispose()

    @contextmanager
    def _acquire(self) -> Iterator[tuple[Connection, Session]]:
        with translated():
            outer = self._engine.connect()
        try:
            with translated():
                self._replace_dead(outer)
                outer.begin()
                connection = outer.connection.driver_connection
                info = outer.connection.info
            session = Session(self.catalog, connection, outer)
            with borrowed(session, info):
                yield outer, session
            info["outbox_used_at"] = self._clock()
        except BaseException as error:
            if isinstance(error, (ConnectionLost, ReadOnlyServer)):
                with suppress(Exception):
                    outer.invalidate(error)
            raise
        finally:
            self._give_back(outer)

    def _replace_dead(self, outer: Connection) -> None:
        """Replace a connection that was cut off while it was idle; asks, 1 round trip, after a long rest."""
        while (used_at := outer.connection.info.get("outbox_used_at")) is not None:
            if used_at > self._clock() - ENGINE_TRUSTED_FOR or is_alive(outer.connection.driver_connection):
                return
            outer.invalidate()

    def _give_back(self, outer: Connection) -> None:
        try:
            outer.close()  # rolls back what is still open
        except Exception:  # the error in hand, if any, is the one to report
            log.debug("the connection could not be given back", exc_info=True)
            with suppress(Exception):
                outer.invalidate()


# A row limit that is none.
UNLIMITED = 18446744073709551615


class Settings(NamedTuple):
    """What would refuse or cut statements of ours; see `needs_for_a_while`."""

    safe_updates: int
    big_selects: int
    select_limit: int


# The servers' defaults: a session that has them needs no statement more.
FINE = Settings(0, 1, UNLIMITED)


@contextmanager
def borrowed(session: Session, info: MutableMapping[Any, Any]) -> Iterator[None]:
    """Set a session up for our statements, and put back what the user had.

    ``info`` lives as long as the driver's connection does. Costs one round trip the first time,
    and then none, or two a loan where the session is set otherwise.
    """
    if (before := info.get("outbox_settings")) is None:
        [before] = session.query("needs_for_a_while").read(Settings)
        info["outbox_settings"] = before
    if before == FINE:
        yield
        return
    session.command("borrow")
    try:
        yield
    finally:
        give_back(session, before)


def give_back(session: Session, before: Settings) -> None:
    """Put the settings back, or make the pool throw the connection away."""
    try:
        session.change("give_back", **before._asdict())
    except DatabaseError:
        session.connection.close()
