from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
    create_async_engine,
)

from outbox import Outbox, TransactionRequired, UnsupportedConnection, WrongDatabase
from outbox.testing import drain
from tests.support import Database

DRIVERS = {
    "postgresql": ("psycopg", "asyncpg"),
    "mysql": ("aiomysql", "asyncmy"),
    "mariadb": ("aiomysql", "asyncmy"),
    "sqlite": ("aiosqlite",),
}
AWKWARD = {"id": 7, "text": "\N{SNOWMAN} 100% $1 :name 'x'"}


def engine_of(database: Database, driver: str, **options: Any) -> AsyncEngine:
    scheme, rest = database.sqlalchemy_url.split("://", 1)
    return create_async_engine(f"{scheme.partition('+')[0]}+{driver}://{rest}", **options)


class Received:
    """An outbox that remembers what it delivered."""

    def __init__(self, database: Database) -> None:
        self.messages: list[tuple[Any, str | None, dict[str, str]]] = []
        self.builder = Outbox.builder(database.url).queue("orders", 2).leased(self.take)

    def take(self, msg: Any) -> None:
        self.messages.append((msg.json(), msg.key, dict(msg.headers)))


def run(
    database: Database, work: Callable[[Outbox], Awaitable[None]]
) -> list[tuple[Any, str | None, dict[str, str]]]:
    """Run a coroutine with an open outbox; return what is delivered afterwards."""
    received = Received(database)
    with received.builder.open() as box, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # asyncmy's and aiomysql's own

        async def working() -> None:
            await work(box)

        asyncio.run(working())
        drain(box)
    return received.messages


def test_what_an_asynchronous_session_commits_is_delivered(migrated: Database) -> None:
    for driver in DRIVERS[migrated.backend]:

        async def work(box: Outbox, driver: str = driver) -> None:
            engine = engine_of(migrated, driver)
            async with AsyncSession(engine) as session, session.begin():
                await box.aenqueue(session, "orders", AWKWARD, key="anna", headers={"a": "b"})
                await box.aenqueue(session, "orders", 1)
            async with AsyncSession(engine) as session:
                await box.aenqueue(session, "orders", "rolled back")
                await session.rollback()
            async with engine.begin() as conn:
                await box.aenqueue(conn, "orders", 2, key=b"\xff")
            scoped = async_scoped_session(async_sessionmaker(engine), scopefunc=asyncio.current_task)
            await box.aenqueue(scoped, "orders", 3)
            await scoped.commit()
            await scoped.remove()
            async with AsyncSession(engine) as session:
                await session.run_sync(lambda lent: box.enqueue(lent, "orders", 4))
                await session.commit()
            await engine.dispose()

        messages = run(migrated, work)
        assert sorted(map(str, messages)) == sorted(
            map(
                str,
                [
                    (AWKWARD, "anna", {"a": "b"}),
                    (1, None, {}),
                    (2, "\\xff", {}),
                    (3, None, {}),
                    (4, None, {}),
                ],
            )
        ), driver


@pytest.mark.backends("postgresql")
def test_asyncpg_and_psycopg_write_in_their_own_transactions(migrated: Database) -> None:
    async def work(box: Outbox) -> None:
        raw = await asyncpg.connect(migrated.url)
        async with raw.transaction():
            await box.aenqueue(raw, "orders", AWKWARD, key="anna")
        undone = raw.transaction()
        await undone.start()
        await box.aenqueue(raw, "orders", "rolled back")
        await undone.rollback()
        with pytest.raises(TransactionRequired, match="asyncpg"):
            await box.aenqueue(raw, "orders", 1)
        await raw.close()
        async with (
            asyncpg.create_pool(migrated.url, min_size=1, max_size=1) as pool,
            pool.acquire() as lent,
            lent.transaction(),
        ):
            await box.aenqueue(lent, "orders", 2)
        async with await psycopg.AsyncConnection.connect(migrated.url) as conn:
            await box.aenqueue(conn, "orders", 3, key="bea")
            async with conn.cursor() as cursor:
                await box.aenqueue(cursor, "orders", 4)
        async with await psycopg.AsyncConnection.connect(migrated.url, autocommit=True) as conn:
            with pytest.raises(TransactionRequired, match="psycopg"):
                await box.aenqueue(conn, "orders", 5)
            async with conn.transaction():
                await box.aenqueue(conn, "orders", 6)

    messages = run(migrated, work)
    assert sorted((str(payload), key) for payload, key, _ in messages) == sorted(
        [(str(AWKWARD), "anna"), ("2", None), ("3", "bea"), ("4", None), ("6", None)], key=str
    )


def test_a_connection_that_commits_by_itself_or_leads_elsewhere_is_refused(
    migrated: Database, provider: Any
) -> None:
    other = provider.empty()

    async def work(box: Outbox) -> None:
        for driver in DRIVERS[migrated.backend]:
            engine = engine_of(migrated, driver, isolation_level="AUTOCOMMIT")
            async with AsyncSession(engine) as session:
                with pytest.raises(TransactionRequired):
                    await box.aenqueue(session, "orders", 1)
            await engine.dispose()
            elsewhere = engine_of(other, driver)
            async with AsyncSession(elsewhere) as session:
                with pytest.raises(WrongDatabase):
                    await box.aenqueue(session, "orders", 1)
            await elsewhere.dispose()

    assert run(migrated, work) == []
    provider.drop(other)


def test_the_loop_goes_on_while_a_statement_is_awaited(migrated: Database) -> None:
    async def work(box: Outbox) -> None:
        engine = engine_of(migrated, DRIVERS[migrated.backend][0])
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        async with AsyncSession(engine) as session, session.begin():
            await session.execute(text("SELECT 1"))
            before = ticks
            await box.aenqueue(session, "orders", 1)
            assert ticks > before
        ticking.cancel()
        await engine.dispose()

    assert len(run(migrated, work)) == 1


@pytest.mark.backends("sqlite")
def test_what_is_not_supported_is_told_what_is(migrated: Database) -> None:
    async def work(box: Outbox) -> None:
        for given in (object(), migrated.connect()):
            with pytest.raises(UnsupportedConnection) as caught:
                await box.aenqueue(given, "orders", 1)
            for name in ("AsyncSession", "AsyncConnection", "asyncpg", "aenqueue"):
                assert name in str(caught.value)

    run(migrated, work)


@pytest.mark.backends("postgresql")
def test_enqueue_names_the_way_for_an_asynchronous_connection(migrated: Database) -> None:
    async def work(box: Outbox) -> None:
        engine = engine_of(migrated, "asyncpg")
        raw = await asyncpg.connect(migrated.url)
        conn = await psycopg.AsyncConnection.connect(migrated.url)
        for given in (AsyncSession(engine), raw, conn):
            with pytest.raises(UnsupportedConnection, match=r"await outbox\.aenqueue"):
                box.enqueue(given, "orders", 1)
        await raw.close()
        await conn.close()
        await engine.dispose()

    run(migrated, work)
