"""Connections from the user's SQLAlchemy Engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from outbox.backends.postgresql.idleness import Idleness
from outbox.backends.postgresql.pooler import Pooler
from outbox.backends.postgresql.settings import OddSessions
from outbox.backends.postgresql.sources import (
    PgConnection,
    SingleSource,
    autocommitting,
    end_transaction,
)
from outbox.backends.waiting import Waiting, never
from outbox.runtime import sockets
from outbox.statements import Catalog

if TYPE_CHECKING:
    from sqlalchemy import Connection as SqlAlchemyConnection
    from sqlalchemy import Engine


class EngineSource:
    """The user's SQLAlchemy Engine on psycopg."""

    def __init__(self, engine: Engine, catalog: Catalog) -> None:
        self.waiting = Waiting()
        self.pooler = Pooler()
        self._engine = engine
        self._idleness = Idleness()
        self._odd = OddSessions(catalog, self.pooler)

    @contextmanager
    def reading(self) -> Iterator[PgConnection]:
        with self._acquire() as (conn, _), autocommitting(conn):
            if self._odd.is_odd(conn):
                with self._odd.transaction(conn):
                    yield conn
            else:
                yield conn

    @contextmanager
    def writing(
        self,
        spoiled: Callable[[], bool] = never,  # noqa: ARG002 - what the sessions are set to is the user's
    ) -> Iterator[tuple[PgConnection, Any]]:
        with self._acquire() as (conn, outer):
            with autocommitting(conn):
                odd = self._odd.is_odd(conn)
            # Also for an Engine set to AUTOCOMMIT; SQLAlchemy puts it back when the connection is returned.
            outer.execution_options(isolation_level="READ COMMITTED")
            with outer.begin():
                if odd:
                    self._odd.prepare(conn)
                # What is locked here must not outlive the process.
                sockets.keep(conn.fileno())
                yield conn, outer

    @contextmanager
    def _acquire(self) -> Iterator[tuple[PgConnection, SqlAlchemyConnection]]:
        """Acquire a connection without a transaction; one that was cut off while idle is replaced."""
        with self._engine.connect() as outer:
            while not self._idleness.trusts(driver_connection(outer)):
                self.waiting.count_loss()
                outer.invalidate()
            conn = driver_connection(outer)
            try:
                end_transaction(conn)
                with self.pooler.unprepared(conn):
                    yield conn, outer
            finally:
                self._idleness.used(conn)

    def dedicated(self) -> SingleSource:
        return SingleSource(self.connect, self.waiting, self.pooler)

    def connect(self) -> PgConnection:
        # From a pool like the Engine's, so that its creator, arguments and listeners take part, but not
        # from that pool itself, which may have none left.
        loan = self._engine.pool.recreate().connect()
        conn: PgConnection = loan.driver_connection  # type: ignore[assignment]
        loan.detach()
        end_transaction(conn)
        conn.autocommit = True
        return conn

    def recheck(self) -> None:
        """Leave the user's pool alone: it replaces dead connections by itself, one at a time."""

    def close(self) -> None:
        """Leave the user's Engine open."""


def driver_connection(outer: SqlAlchemyConnection) -> PgConnection:
    """Return what SQLAlchemy's connection wraps."""
    conn: PgConnection = outer.connection.driver_connection  # type: ignore[assignment]
    return conn
