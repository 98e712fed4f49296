"""Run named statements on PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import DBAPIError, TimeoutError  # noqa: A004 - the pool's

from outbox.backends.postgresql.errors import translate
from outbox.backends.postgresql.kept_plans import KeptPlans
from outbox.backends.postgresql.sources import PgConnection, Source
from outbox.clock import Clock, monotonic
from outbox.errors import ConnectionLost, DatabaseError
from outbox.statements import Catalog, Rows
from outbox.unwrapping import innermost

log = logging.getLogger("outbox.backends.postgres")

Count = Callable[[Rows], int]


class Database:
    """A source of connections and the statements to run on them; safe from any thread."""

    def __init__(self, source: Source, catalog: Catalog, *, clock: Clock = monotonic) -> None:
        self.source = source
        self.waiting = source.waiting
        self.catalog = catalog
        self.plans = KeptPlans(clock)
        self._clock = clock

    def run(
        self, statement: str, *, keep: bool | None = None, count: Count | None = None, **parameters: Any
    ) -> Rows:
        """Run one statement in a transaction of its own (one round trip); return its rows.

        ``keep`` tells whether the server's plan from an earlier run will do; None asks `plans`. ``count``
        tells how many messages the rows stand for, if for any.
        """
        with self.translated(), self.source.autocommit() as conn:
            return self.on(conn, statement, keep=keep, count=count, **parameters)

    def on(
        self,
        conn: PgConnection,
        statement: str,
        *,
        keep: bool | None = None,
        count: Count | None = None,
        **parameters: Any,
    ) -> Rows:
        """Run one statement on a connection in hand, whatever its settings."""
        cursor = psycopg.Cursor(innermost(conn, psycopg.Connection), row_factory=tuple_row)
        if keep is None:
            keep = self.plans.usable(statement)
        known = self.catalog[statement]
        sql = known.pyformat
        if keep:
            sql = self.plans.text_of(sql)
        began = self._clock()
        try:
            cursor.execute(sql, parameters, prepare=None if keep else False, binary=True)
        except psycopg.errors.ReadOnlySqlTransaction:
            # A failover may have left it on a standby without cutting it; a new one finds the primary.
            conn.close()
            raise
        except psycopg.errors.QueryCanceled:
            # A time limit of the server's, which the plan may have exceeded.
            self.plans.ran(statement, self._clock() - began, kept=keep, messages=0)
            raise
        seconds = self._clock() - began
        rows = known.fetch(cursor)
        self.plans.ran(statement, seconds, kept=keep, messages=count(rows) if count else 0)
        return rows

    def command(self, conn: PgConnection, statement: str) -> None:
        """Run a statement without parameters that may hold several commands, in one round trip."""
        psycopg.Cursor(innermost(conn, psycopg.Connection)).execute(
            self.catalog[statement].compact, prepare=False
        )

    @contextmanager
    def transaction(self) -> Iterator[tuple[PgConnection, Any]]:
        """Lend a connection with an open transaction; see `Source.transaction`."""
        with self.translated(), self.source.transaction() as pair:
            yield pair

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise the library's errors; after a lost connection, sweep the pool for other dead ones."""
        try:
            yield
        except (PoolTimeout, TimeoutError) as error:
            msg = f"PostgreSQL: no connection to be had: {error}"
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
            self._recheck()
        return mine

    def _recheck(self) -> None:
        try:
            self.source.recheck()
        except Exception:  # the error in hand is the one to report
            log.debug("the pool could not be checked", exc_info=True)


def int_array(values: Sequence[int]) -> str:
    """Write integers as an array literal.

    A list would be sent with a type that depends on its largest element, and each type would be
    prepared, and planned, as another statement.
    """
    return f"{{{','.join(map(str, values))}}}"


def float_array(values: Sequence[float]) -> str:
    """Write floats as an array literal, for the same reason."""
    return f"{{{','.join(map(repr, values))}}}"
