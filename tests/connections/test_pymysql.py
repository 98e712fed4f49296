from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pymysql
import pytest
from pymysql.cursors import Cursor, DictCursor, SSCursor

from outbox.connections import adapt
from tests.connections.support import PLAIN, Caller, assert_joins_the_transaction, dsn, enqueue, stored
from tests.support import Database

pytestmark = pytest.mark.backends("mysql", "mariadb")


@pytest.fixture
def connection(tables: Database) -> Iterator[pymysql.Connection]:
    with closing(pymysql.connect(**dsn(tables))) as connection:
        yield connection


def caller_of(connection: pymysql.Connection, given: object) -> Caller:
    def state() -> list[object]:
        return [connection.cursorclass, connection.charset, connection.get_autocommit(), connection.open]

    run = connection.cursor(Cursor).execute
    return Caller(given, run, connection.commit, connection.rollback, state)


@pytest.mark.parametrize("kind", [Cursor, DictCursor, SSCursor])
def test_a_connection_takes_messages_whatever_its_cursors_are(
    tables: Database, connection: pymysql.Connection, kind: type[Cursor]
) -> None:
    connection.cursorclass = kind
    assert_joins_the_transaction(tables, caller_of(connection, connection))


def test_a_cursor_lends_its_connection(tables: Database, connection: pymysql.Connection) -> None:
    assert_joins_the_transaction(tables, caller_of(connection, connection.cursor(DictCursor)))


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
@pytest.mark.parametrize("mode", ["", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES"])
def test_messages_pass_through_any_character_set_and_sql_mode(
    tables: Database, charset: str, mode: str
) -> None:
    with closing(pymysql.connect(**dsn(tables), charset=charset)) as connection:
        caller = caller_of(connection, connection)
        caller.run(f"SET sql_mode = '{mode}'")
        assert_joins_the_transaction(tables, caller)


def test_autocommit_is_no_transaction_until_one_is_begun(
    tables: Database, connection: pymysql.Connection
) -> None:
    connection.autocommit(True)
    assert not adapt(connection).in_transaction()
    connection.begin()
    assert adapt(connection).in_transaction()
    enqueue(connection, PLAIN)
    connection.rollback()
    assert stored(tables) == []
    assert not adapt(connection).in_transaction()


def test_a_closed_cursor_is_refused(connection: pymysql.Connection) -> None:
    cursor = connection.cursor()
    cursor.close()
    with pytest.raises(TypeError, match=r"pymysql\.cursors\.Cursor"):
        adapt(cursor)
