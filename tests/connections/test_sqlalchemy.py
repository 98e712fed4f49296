from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from outbox.connections import adapt
from outbox.errors import UnsupportedConnection
from tests.connections.support import (
    PLAIN,
    SQLALCHEMY_DRIVERS,
    Caller,
    assert_joins_the_transaction,
    enqueue,
    family,
    numbered,
    stored,
)
from tests.support import Database

MakeEngine = Callable[..., Engine]


@pytest.fixture
def engines(tables: Database) -> Iterator[MakeEngine]:
    """Make an engine on a driver of the backend, the workers' one if none is named."""
    made = []

    def make(driver: str = "", **options: Any) -> Engine:
        url = sqlalchemy.make_url(tables.sqlalchemy_url)
        if driver:
            url = url.set(drivername=f"{url.get_backend_name()}+{driver}")
        made.append(create_engine(url, **options))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


def caller_of(given: Any) -> Caller:
    return Caller(given, lambda sql: given.execute(sqlalchemy.text(sql)), given.commit, given.rollback)


every_driver = pytest.mark.parametrize("driver", sorted(set(chain(*SQLALCHEMY_DRIVERS.values()))))


@every_driver
def test_a_connection_takes_messages(tables: Database, engines: MakeEngine, driver: str) -> None:
    with engines(driver).connect() as connection:
        assert_joins_the_transaction(tables, caller_of(connection))


@every_driver
def test_a_session_takes_messages(tables: Database, engines: MakeEngine, driver: str) -> None:
    with Session(engines(driver)) as session:
        assert_joins_the_transaction(tables, caller_of(session))


def test_a_scoped_session_takes_messages(tables: Database, engines: MakeEngine) -> None:
    scoped = scoped_session(sessionmaker(engines()))
    assert_joins_the_transaction(tables, caller_of(scoped))
    scoped.remove()


def test_a_pools_raw_connection_takes_messages(tables: Database, engines: MakeEngine) -> None:
    raw = engines().raw_connection()
    enqueue(raw, PLAIN)
    raw.rollback()
    assert stored(tables) == []
    enqueue(raw, PLAIN)
    raw.commit()
    raw.close()
    assert len(stored(tables)) == 1


@every_driver
def test_a_message_as_the_first_statement_is_in_the_transaction(
    tables: Database, engines: MakeEngine, driver: str
) -> None:
    with engines(driver).connect() as connection:
        assert adapt(connection).in_transaction()
        assert not connection.in_transaction()
        enqueue(connection, PLAIN)
        assert connection.in_transaction()
    assert stored(tables) == []
    with engines(driver).begin() as connection:
        enqueue(connection, PLAIN)
    assert len(stored(tables)) == 1


@every_driver
def test_a_connection_that_streams_results_takes_messages(
    tables: Database, engines: MakeEngine, driver: str
) -> None:
    with engines(driver).connect().execution_options(stream_results=True, yield_per=2) as connection:
        ids = [*enqueue(connection, PLAIN), *enqueue(connection, *numbered(5))]
        connection.commit()
    assert [number for number, _ in stored(tables)] == ids


@every_driver
@pytest.mark.parametrize("level", ["engine", "options", "connection"])
def test_an_isolation_level_of_autocommit_is_no_transaction(
    engines: MakeEngine, driver: str, level: str
) -> None:
    engine = engines(driver, isolation_level="AUTOCOMMIT") if level == "engine" else engines(driver)
    if level == "options":
        engine = engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if level == "connection":
            connection.execution_options(isolation_level="AUTOCOMMIT")
        assert not adapt(connection).in_transaction()
        assert not connection.in_transaction()
        connection.execute(sqlalchemy.text("SELECT 1"))
        assert not adapt(connection).in_transaction()
    with Session(engine) as session:
        if level != "connection":
            assert not adapt(session).in_transaction()


def test_a_connection_taken_out_of_autocommit_is_in_a_transaction(engines: MakeEngine, backend: str) -> None:
    level = "SERIALIZABLE" if backend == "sqlite" else "READ COMMITTED"
    with engines(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execution_options(isolation_level=level)
        assert adapt(connection).in_transaction()


@pytest.mark.backends("sqlite")
def test_begin_sent_by_a_listener_counts_on_sqlite(tables: Database, engines: MakeEngine) -> None:
    engine = engines()

    @event.listens_for(engine, "connect")
    def leave_transactions_alone(raw: Any, record: object) -> None:
        raw.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.connect() as connection:
        assert adapt(connection).in_transaction()
        assert_joins_the_transaction(tables, caller_of(connection))
    with Session(engine) as session:
        assert adapt(session).in_transaction()


def test_the_callers_listeners_see_the_statements(engines: MakeEngine, backend: str) -> None:
    seen = []
    engine = engines()
    event.listen(engine, "before_cursor_execute", lambda *arguments: seen.append(arguments[2]))
    with engine.connect() as connection:
        enqueue(connection, PLAIN)
    # MySQL and MariaDB: one that remembers the caller's LAST_INSERT_ID(), and one for each of the two tables.
    assert len(seen) == {"postgresql": 1, "sqlite": 2, "mysql": 3, "mariadb": 3}[backend]


def test_a_rolled_back_savepoint_takes_its_messages_and_no_others(
    tables: Database, engines: MakeEngine
) -> None:
    with Session(engines()) as session:
        (kept,) = enqueue(session, PLAIN)
        savepoint = session.begin_nested()
        enqueue(session, *numbered(3))
        savepoint.rollback()
        session.commit()
    assert stored(tables) == [(kept, PLAIN)]


@pytest.mark.backends("sqlite")
def test_a_driver_that_is_not_known_is_refused_by_its_name() -> None:
    import sqlite3

    real = sqlite3.connect(":memory:")

    class Unheard:
        """Of another driver, for all that anyone can see."""

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    engine = create_engine("sqlite://", creator=Unheard)
    with engine.connect() as connection, pytest.raises(UnsupportedConnection, match="Connection") as caught:
        adapt(connection)
    assert "on the driver sqlite+pysqlite" in str(caught.value)
    engine.dispose()
    real.close()


def test_asynchronous_sessions_and_engines_are_refused(tables: Database) -> None:
    engine = create_async_engine("postgresql+psycopg_async://localhost/nowhere")
    for given in (AsyncSession(engine), engine, engine.connect()):
        with pytest.raises(UnsupportedConnection, match=type(given).__name__):
            adapt(given, family(tables))
