from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Iterator

import pytest
import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from outbox.connections import adapt
from tests.connections.support import PLAIN, enqueue, stored
from tests.support import Database


class Watch:
    """A callback that notes how many messages others could see each time."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.seen: list[int] = []

    def __call__(self) -> None:
        self.seen.append(len(stored(self.database)))


@pytest.fixture
def watch(tables: Database) -> Watch:
    return Watch(tables)


@pytest.fixture
def engine(tables: Database) -> Iterator[Engine]:
    engine = sqlalchemy.create_engine(tables.sqlalchemy_url)
    if tables.backend == "sqlite":
        # sqlite3 leaves SAVEPOINT outside its transactions; this is SQLAlchemy's recipe against that.
        sqlalchemy.event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
        sqlalchemy.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    yield engine
    engine.dispose()


def send(given: object, callback: Watch) -> None:
    enqueue(given, PLAIN)
    assert adapt(given).on_commit(callback)


def test_the_callback_comes_once_and_after_the_commit(engine: Engine, watch: Watch) -> None:
    with engine.connect() as connection:
        send(connection, watch)
        send(connection, watch)
        assert watch.seen == []
        connection.commit()
        assert watch.seen == [2]
        connection.execute(sqlalchemy.text("INSERT INTO orders VALUES (1)"))
        connection.commit()
    assert watch.seen == [2]


def test_the_callback_comes_after_a_begin_block(engine: Engine, watch: Watch) -> None:
    with engine.begin() as connection:
        send(connection, watch)
    with engine.connect() as connection, connection.begin():
        send(connection, watch)
    assert watch.seen == [1, 2]


def test_each_transaction_of_a_connection_has_its_own_callbacks(
    tables: Database, engine: Engine, watch: Watch
) -> None:
    other = Watch(tables)
    with engine.connect() as connection:
        send(connection, watch)
        connection.rollback()
        send(connection, other)
        connection.commit()
    assert (watch.seen, other.seen) == ([], [1])


def test_a_rollback_forgets_the_callback(engine: Engine, watch: Watch) -> None:
    with engine.connect() as connection:
        send(connection, watch)
        connection.rollback()
        connection.execute(sqlalchemy.text("INSERT INTO orders VALUES (1)"))
        connection.commit()
    with engine.connect() as connection:
        send(connection, watch)
    assert watch.seen == []


def test_a_session_calls_back_after_its_commit(engine: Engine, watch: Watch) -> None:
    with Session(engine) as session:
        send(session, watch)
        session.rollback()
        send(session, watch)
        session.flush()
        assert watch.seen == []
        session.commit()
        assert watch.seen == [1]
        session.commit()
    with Session(engine) as session, session.begin():
        send(session, watch)
    assert watch.seen == [1, 2]


def test_neither_end_of_a_savepoint_calls_back(engine: Engine, watch: Watch) -> None:
    with Session(engine) as session:
        with session.begin_nested():
            send(session, watch)
        savepoint = session.begin_nested()
        send(session, watch)
        savepoint.rollback()
        assert watch.seen == []
        session.commit()
    assert watch.seen == [1]


def test_a_session_within_somebody_elses_transaction_waits_for_that(engine: Engine, watch: Watch) -> None:
    with engine.connect() as connection, connection.begin() as outer:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            send(session, watch)
            session.commit()
        assert watch.seen == []
        outer.commit()
    assert watch.seen == [1]


def test_a_failed_commit_calls_nobody_back(
    engine: Engine, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: object) -> None:
        raise ZeroDivisionError

    with engine.connect() as connection:
        send(connection, watch)
        with monkeypatch.context() as broken:
            broken.setattr(engine.dialect, "do_commit", fail)
            with pytest.raises(ZeroDivisionError):
                connection.commit()
        connection.rollback()
    assert watch.seen == []


def test_a_callback_that_fails_does_not_fail_the_commit(
    tables: Database, engine: Engine, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR, "outbox.producers"), engine.begin() as connection:
        enqueue(connection, PLAIN)
        assert adapt(connection).on_commit(fail)
        assert adapt(connection).on_commit(watch)
    assert watch.seen == [1]
    assert "committed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_the_callers_connection_is_not_kept_alive(engine: Engine, watch: Watch) -> None:
    connection = engine.connect()
    send(connection, watch)
    connection.rollback()
    gone = weakref.ref(connection)
    connection.close()
    gc.disable()
    try:
        del connection
        assert gone() is None
    finally:
        gc.enable()


def test_a_plain_driver_connection_cannot_call_back(tables: Database, watch: Watch) -> None:
    connection = tables.connect()
    enqueue(connection, PLAIN)
    assert not adapt(connection).on_commit(watch)
