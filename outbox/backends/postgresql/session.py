"""Run named statements on PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import DBAPIError, TimeoutError  # noqa: A004 - the pool's

from outbox.backends.postgresql.errors import translate
from outbox.backends.postgresql.kept_plans import KeptPlans
from outbox.backends.postgresql.pooler import ON_PRIMARY
from outbox.backends.postgresql.settings import plain_cursor
from outbox.backends.postgresql.sources import PgConnection, Source
from outbox.clock import Clock, monotonic
from outbox.connections.psycopg import storable
from outbox.errors import ConnectionLost, DatabaseError
from outbox.statements import Catalog, Rows
from outbox.unwrapping import innermost

log = logging.getLogger("outbox.backends.postgres")

Count = Callable[[Rows], int]


class Session:
    """A connection in hand and the statements to run on it; one thread at a time."""

    __slots__ = ("_catalog", "_clock", "_plans", "connection", "handler_connection", "spoiled")

    def __init__(
        self, catalog: Catalog, plans: KeptPlans, clock: Clock, connection: PgConnection, for_handler: Any
    ) -> None:
        self._catalog = catalog
        self._plans = plans
        self._clock = clock
        # A tracing agent may have wrapped it.
        self.connection: PgConnection = innermost(connection, psycopg.Connection)
        """The driver's connection."""
        self.handler_connection = for_handler
        """What a handler gets: the same, or SQLAlchemy's connection around it."""
        self.spoiled = False
        """Whether code of a user's had it, which may have changed its settings for the next one."""

    def query(
        self, statement: str, *, keep: bool | None = None, count: Count | None = None, **parameters: Any
    ) -> Rows:
        """Run a statement and return its rows, whatever the connection's settings; 1 round trip.

        ``keep`` tells whether the server's plan from an earlier run will do; None asks `KeptPlans`. ``count``
        tells how many messages the rows stand for, if for any.
        """
        cursor = plain_cursor(self.connection)
        if keep is None:
            keep = self._plans.usable(statement)
        known = self._catalog[statement]
        sql = known.pyformat
        if self._plans.pooler.found:
            keep = False
        if keep:
            sql = self._plans.text_of(sql)
        began = self._clock()
        try:
            sent = storable(self.connection, parameters)
            cursor.execute(sql, sent, prepare=None if keep else False, binary=True)
        except psycopg.errors.ReadOnlySqlTransaction:
            # A failover may have left it on a standby without cutting it; a new one finds the primary.
            self.connection.close()
            raise
        except psycopg.errors.QueryCanceled:
            # A time limit of the server's, which the plan may have exceeded.
            self._plans.ran(statement, self._clock() - began, kept=keep, messages=0)
            raise
        seconds = self._clock() - began
        rows = known.fetch(cursor)
        self._plans.ran(statement, seconds, kept=keep, messages=count(rows) if count else 0)
        return rows

    def command(self, statement: str) -> None:
        """Run a statement without parameters that may hold several commands; 1 round trip."""
        self.script(self._catalog[statement].compact)

    def script(self, sql: str) -> None:
        """Run commands separated by semicolons; raise at the first that fails."""
        plain_cursor(self.connection).execute(sql, prepare=False)


class Database:
    """A source of connections and the statements to run on them; safe from any thread."""

    def __init__(self, source: Source, catalog: Catalog, *, clock: Clock = monotonic) -> None:
        self.source = source
        self.waiting = source.waiting
        self.catalog = catalog
        self.plans = KeptPlans(clock, source.pooler)
        self._clock = clock

    def query(
        self, statement: str, *, keep: bool | None = None, count: Count | None = None, **parameters: Any
    ) -> Rows:
        """Run one statement in a transaction of its own; see `Session.query`."""
        with self.translated(), self.source.reading() as conn:
            return self.session(conn, conn).query(statement, keep=keep, count=count, **parameters)

    def session(self, conn: PgConnection, for_handler: Any) -> Session:
        """Return the session of a connection in hand."""
        return Session(self.catalog, self.plans, self._clock, conn, for_handler)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Acquire a session whose statements each stand for themselves."""
        with self.translated(), self.source.reading() as conn:
            yield self.session(conn, conn)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Acquire a session with an open transaction: commits at a clean exit, else rolls back."""
        session: Session | None = None
        spoiled = lambda: session is not None and session.spoiled  # noqa: E731 - of the session to come
        with self.translated(), self.source.writing(spoiled) as (conn, for_handler):
            session = self.session(conn, for_handler)
            yield session

    def dedicated(self) -> Database:
        """Return the same statements on one connection apart from the pool, with plans of its own."""
        return Database(self.source.dedicated(), self.catalog, clock=self._clock)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise the library's errors; after a lost connection, sweep the pool for other dead ones."""
        try:
            yield
        except (PoolTimeout, TimeoutError) as error:
            msg = f"PostgreSQL: no connection available: {error}"
            raise ConnectionLost(msg) from error
        except psycopg.Error as error:
            raise self._translate(error) from error
        except DBAPIError as error:
            # SQLAlchemy's wrapping, when the connections are those of an Engine.
            if not isinstance(error.orig, psycopg.Error):
                raise
            raise self._translate(error.orig) from error.orig

    def _translate(self, error: psycopg.Error) -> DatabaseError:
        mine = translate(error)
        if isinstance(mine, ConnectionLost):
            self.waiting.count_loss()
            self._recheck()
        return mine

    def _recheck(self) -> None:
        try:
            self.source.recheck()
        except Exception:  # the error in hand is the one to report
            log.debug("the pool could not be checked", exc_info=True)


class Operations:
    """What the operations on one database have in common: where their statements run."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.waiting = db.waiting
        self.catalog = db.catalog

    def use(self, catalog: Catalog) -> None:
        if self._db.source.pooler.found:
            catalog = catalog.marked(ON_PRIMARY)
        self._db.catalog = self.catalog = catalog
