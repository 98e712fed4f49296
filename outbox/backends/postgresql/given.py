"""The pipeline on a connection of the caller's, psycopg's or psycopg2's, in the transaction open there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from outbox.backends.given import part, runner
from outbox.backends.postgresql.backend import PostgresBackend
from outbox.backends.postgresql.errors import of_psycopg2, translate
from outbox.backends.postgresql.pooler import Pooler
from outbox.backends.postgresql.session import Count, Database, Session
from outbox.backends.postgresql.sources import PgConnection
from outbox.backends.records import Sequenced
from outbox.backends.waiting import Waiting, never
from outbox.connections.driver import Driver
from outbox.connections.psycopg2 import PSYCOPG2
from outbox.errors import DatabaseError
from outbox.statements import Catalog, Naming, Rows


class GivenSource:
    """Gives the one connection out; see `Source`."""

    def __init__(self, driver: Driver, connection: Any, handed: Any, catalog: Catalog) -> None:
        self.waiting = Waiting()
        self.pooler = Pooler()
        self._connection = connection
        self._handed = handed
        self._run = runner(driver, connection, catalog)

    @contextmanager
    def reading(self) -> Iterator[PgConnection]:
        yield self._connection

    @contextmanager
    def writing(
        self,
        spoiled: Callable[[], bool] = never,  # noqa: ARG002 - what the session is set to is the caller's
    ) -> Iterator[tuple[PgConnection, Any]]:
        with part(self._run):
            yield self._connection, self._handed

    def connect(self) -> PgConnection:
        raise DatabaseError("PostgreSQL: no other connection sees a transaction that is not committed")

    def dedicated(self) -> GivenSource:
        return self

    def recheck(self) -> None:
        """There is no other connection to look at."""

    def close(self) -> None:
        """Leave the caller's connection open."""


class GivenBackend(PostgresBackend):
    """As on connections of its own, but that it wakes no process and leaves the commit's durability alone."""

    @contextmanager
    def reading(self) -> Iterator[Any]:
        # What fails would abort the caller's transaction.
        with self.writing() as connection:
            yield connection

    def sequence(
        self,
        partition_ids: Sequence[int],
        limit: int,
        *,
        notify: bool = False,  # noqa: ARG002 - nothing is committed
        durable: bool = True,  # noqa: ARG002 - a setting of the caller's transaction
        behind: Sequence[int] = (),
    ) -> list[Sequenced]:
        return super().sequence(partition_ids, limit, notify=False, durable=True, behind=behind)

    def dedicated(self) -> GivenBackend:
        return self


class Psycopg2Session(Session):
    """The same statements through psycopg2, as Django may use it."""

    def query(
        self,
        statement: str,
        *,
        keep: bool | None = None,  # noqa: ARG002 - psycopg2 prepares nothing
        count: Count | None = None,  # noqa: ARG002 - it counts for the plans
        **parameters: Any,
    ) -> Rows:
        known = self._catalog[statement]
        with closing(PSYCOPG2.open_cursor(self.connection)) as cursor:
            cursor.execute(known.pyformat, parameters)
            rows = known.fetch(cursor)
        return Rows(rows.columns, [tuple(map(plain, row)) for row in rows])

    def script(self, sql: str) -> None:
        with closing(PSYCOPG2.open_cursor(self.connection)) as cursor:
            cursor.execute(sql)


class Psycopg2Database(Database):
    """Statements through psycopg2."""

    def session(self, conn: Any, for_handler: Any) -> Session:
        return Psycopg2Session(self.catalog, self.plans, self._clock, conn, for_handler)

    @contextmanager
    def translated(self) -> Iterator[None]:
        try:
            with super().translated():
                yield
        except Exception as error:
            if of_psycopg2(error):
                raise translate(error) from error
            raise


def plain(value: Any) -> Any:
    """Return bytes for the memory that psycopg2 gives."""
    return bytes(value) if isinstance(value, memoryview) else value


def on_given(driver: Driver, raw: Any, handed: Any, *, catalog: Catalog, naming: Naming) -> PostgresBackend:
    """Return a backend on the caller's connection; transactional handlers get ``handed``."""
    source = GivenSource(driver, raw, handed, catalog)
    kind = Psycopg2Database if driver is PSYCOPG2 else Database
    return GivenBackend(kind(source, catalog), naming)
