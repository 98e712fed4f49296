"""Asynchronous connections: enqueue runs inside a greenlet, and its caller's loop awaits each statement.

That is SQLAlchemy's own way of running one code for both kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from outbox.connections.adapt import ASYNCHRONOUSLY, adapt, type_name
from outbox.connections.connection import ProducerConnection
from outbox.connections.psycopg import in_transaction
from outbox.connections.sqlalchemy_async import numbered_values
from outbox.errors import MissingDriver, UnsupportedConnection
from outbox.statements import Rows, Statement
from outbox.statements.rows import NO_ROWS

T = TypeVar("T")

RUN_SYNC = frozenset({"AsyncSession", "AsyncConnection"})


class AsyncConnection(ProducerConnection):
    """A driver's asynchronous connection to PostgreSQL; every method runs inside a greenlet."""

    __slots__ = ("raw",)

    def __init__(self, kind: str, raw: Any) -> None:
        super().__init__("postgresql", kind)
        self.raw = raw

    def insert_rows(self, statement: Statement, rows: Sequence[Sequence[object]]) -> int:
        """Do nothing: messages come in one statement on PostgreSQL."""
        raise NotImplementedError(statement.name)

    def driver_connection(self) -> Any:
        """Return the connection that was given."""
        return self.raw


class AsyncpgConnection(AsyncConnection):
    """asyncpg's."""

    __slots__ = ()

    def in_transaction(self) -> bool:
        """Tell whether a transaction is open: without one, asyncpg commits each statement."""
        return bool(self.raw.is_in_transaction())

    def query(self, statement: Statement, parameters: Mapping[str, object]) -> Rows:
        """Run a statement and return its rows."""
        rows = awaited(self.raw.fetch(statement.numbered, *numbered_values(statement, parameters)))
        return Rows(tuple(rows[0].keys()), list(map(tuple, rows))) if rows else NO_ROWS


class PsycopgAsyncConnection(AsyncConnection):
    """psycopg's."""

    __slots__ = ()

    def in_transaction(self) -> bool:
        """Tell whether autocommit is off or a transaction is open."""
        return in_transaction(self.raw)

    def query(self, statement: Statement, parameters: Mapping[str, object]) -> Rows:
        """Run a statement and return its rows."""
        from psycopg import AsyncCursor
        from psycopg.rows import tuple_row

        cursor = AsyncCursor(self.raw, row_factory=tuple_row)
        awaited(cursor.execute(statement.pyformat_binary, parameters))
        rows = NO_ROWS
        if statement.returns_rows:
            found = awaited(cursor.fetchall())
            rows = Rows(statement.columns(cursor), found)
        awaited(cursor.close())
        return rows


async def in_greenlet(given: Any, backend: str, work: Callable[[Any], T]) -> T:
    """Run ``work`` on what `adapt` takes for an asynchronous connection; raises `UnsupportedConnection`."""
    if (session := sqlalchemy_of(given)) is not None:
        found: T = await session.run_sync(work)
        return found
    adapted = recognised(given)
    if adapted is None or adapted.backend != backend:
        raise UnsupportedConnection(type_name(given), (ASYNCHRONOUSLY, "with `enqueue` all others"))
    try:
        from sqlalchemy.util import greenlet_spawn
    except ImportError as error:
        raise MissingDriver.of("asyncio", "greenlet", "asyncio") from error
    return await greenlet_spawn(work, adapt(adapted, backend))


def sqlalchemy_of(given: Any) -> Any:
    """Return SQLAlchemy's AsyncSession or AsyncConnection; None for what is neither."""
    names = {base.__name__ for base in type(given).__mro__ if base.__module__.startswith("sqlalchemy.")}
    if "async_scoped_session" in names:
        return given()
    return given if names & RUN_SYNC else None


def recognised(given: Any) -> ProducerConnection | None:
    """Adapt a driver's asynchronous connection, of a pool too; None for what is none."""
    for base in type(given).__mro__:
        package = base.__module__.partition(".")[0]
        if (package, base.__name__) == ("asyncpg", "PoolConnectionProxy"):
            return AsyncpgConnection("asyncpg", given._con)  # noqa: SLF001 - the pool's own wrapper taken off
        if (package, base.__name__) == ("asyncpg", "Connection"):
            return AsyncpgConnection("asyncpg", given)
        if (package, base.__name__) == ("psycopg", "AsyncConnection"):
            return PsycopgAsyncConnection("psycopg", given)
        if (package, base.__name__) == ("psycopg", "AsyncCursor"):
            return PsycopgAsyncConnection("psycopg", given.connection)
    return None


def awaited(awaitable: Any) -> Any:
    """Let the loop of the caller await; for code inside a greenlet."""
    from sqlalchemy.util import await_only

    return await_only(awaitable)
