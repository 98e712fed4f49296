from __future__ import annotations

import sqlite3
import sys

import pytest

from outbox.connections import adapt
from outbox.statements import Statement
from tests.connections.support import PLAIN, Caller, assert_joins_the_transaction, enqueue, numbered, stored
from tests.support import Database

pytestmark = pytest.mark.backends("sqlite")

with_autocommit_attribute = pytest.mark.skipif(sys.version_info < (3, 12), reason="new in Python 3.12")


def caller_of(connection: sqlite3.Connection, given: object) -> Caller:
    def state() -> list[object]:
        names = ("isolation_level", "row_factory", "text_factory", "in_transaction")
        return [getattr(connection, name) for name in names]

    return Caller(given, connection.execute, connection.commit, connection.rollback, state)


@pytest.mark.parametrize("level", ["", "DEFERRED", "IMMEDIATE", "EXCLUSIVE"])
def test_a_connection_takes_messages_at_any_isolation_level(tables: Database, level: str) -> None:
    connection = tables.connect(isolation_level=level)
    if level == "EXCLUSIVE":
        tables.execute("PRAGMA journal_mode = WAL")  # or nobody could look meanwhile
    assert_joins_the_transaction(tables, caller_of(connection, connection))


def test_a_connection_takes_messages_whatever_its_rows_are(tables: Database) -> None:
    connection = tables.connect()
    connection.row_factory = sqlite3.Row
    connection.text_factory = bytes
    assert_joins_the_transaction(tables, caller_of(connection, connection))


def test_rows_come_as_tuples_whatever_the_connections_rows_are(tables: Database) -> None:
    connection = tables.connect()
    connection.row_factory = sqlite3.Row
    (row,) = adapt(connection).execute(Statement("answer", ":one", "SELECT 6 * :seven"), {"seven": 7})
    assert type(row) is tuple
    assert row == (42,)


def test_a_cursor_lends_its_connection(tables: Database) -> None:
    connection = tables.connect()
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    assert_joins_the_transaction(tables, caller_of(connection, cursor))
    assert cursor.row_factory is sqlite3.Row


def test_the_transaction_that_sqlite3_opens_by_itself_holds_the_message(tables: Database) -> None:
    connection = tables.connect()
    assert adapt(connection).in_transaction()
    enqueue(connection, PLAIN)
    assert connection.in_transaction
    connection.rollback()
    assert stored(tables) == []


def test_autocommit_is_no_transaction_until_one_is_begun(tables: Database) -> None:
    connection = tables.connect(isolation_level=None)
    assert not adapt(connection).in_transaction()
    connection.execute("BEGIN")
    assert adapt(connection).in_transaction()
    enqueue(connection, PLAIN)
    connection.execute("ROLLBACK")
    assert stored(tables) == []


@with_autocommit_attribute
def test_the_autocommit_attribute_decides_over_the_isolation_level(tables: Database) -> None:
    assert not adapt(tables.connect(autocommit=True)).in_transaction()
    connection = tables.connect()
    connection.autocommit = False
    connection.isolation_level = None
    assert_joins_the_transaction(tables, caller_of(connection, connection))


def test_a_busy_database_fails_with_the_drivers_error_and_advice(tables: Database) -> None:
    tables.execute("PRAGMA journal_mode = WAL")
    reader = tables.connect(timeout=0)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM orders").fetchall()
    tables.execute("INSERT INTO orders VALUES (1)")
    with pytest.raises(sqlite3.OperationalError, match="locked") as caught:
        enqueue(reader, PLAIN)
    if sys.version_info >= (3, 11):
        assert caught.value.sqlite_errorcode == sqlite3.SQLITE_BUSY_SNAPSHOT
        assert any("BEGIN IMMEDIATE" in note for note in caught.value.__notes__)
    assert reader.in_transaction


@pytest.mark.skipif(sys.version_info < (3, 11), reason="new in Python 3.11")
@pytest.mark.parametrize("limit", [3, 999, 3001])
def test_a_batch_takes_no_more_parameters_than_the_connection_allows(tables: Database, limit: int) -> None:
    connection = tables.connect()
    connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, limit)  # type: ignore[attr-defined] # 3.11
    messages = numbered(2500)
    ids = enqueue(connection, *messages)
    connection.commit()
    assert stored(tables) == list(zip(ids, messages, strict=True))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="new in Python 3.11")
def test_the_limit_is_that_of_the_connection_below_an_engine(tables: Database) -> None:
    with tables.engine().begin() as connection:
        driver_connection = connection.connection.driver_connection
        assert isinstance(driver_connection, sqlite3.Connection)
        driver_connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)  # type: ignore[attr-defined] # 3.11
        enqueue(connection, *numbered(1000))
    assert len(stored(tables)) == 1000


def test_a_connection_that_cannot_be_asked_gets_what_every_build_takes(
    tables: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(sqlite3, "SQLITE_LIMIT_VARIABLE_NUMBER", raising=False)  # as before Python 3.11
    sent: list[str] = []
    connection = tables.connect()
    connection.set_trace_callback(sent.append)
    enqueue(connection, *numbered(1000))
    connection.set_trace_callback(None)
    connection.commit()
    assert len(stored(tables)) == 1000
    assert sum("INTO outbox_body" in statement for statement in sent) == 4
