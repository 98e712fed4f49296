from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import MySQLdb
import pytest
from MySQLdb.connections import Connection
from MySQLdb.cursors import Cursor, DictCursor, SSCursor

from outbox.connections import adapt
from tests.connections.support import AWKWARD, Caller, assert_joins_the_transaction, dsn, enqueue
from tests.support import Database

pytestmark = pytest.mark.backends("mysql", "mariadb")


@pytest.fixture
def connection(tables: Database) -> Iterator[Connection]:
    with closing(MySQLdb.connect(**dsn(tables))) as connection:
        yield connection


def caller_of(connection: Connection, given: object) -> Caller:
    def state() -> list[object]:
        names = connection.character_set_name()  # type: ignore[no-untyped-call]
        autocommit = connection.get_autocommit()  # type: ignore[no-untyped-call]
        return [connection.cursorclass, names, autocommit, connection.open]

    run = connection.cursor(Cursor).execute
    return Caller(given, run, connection.commit, connection.rollback, state)


@pytest.mark.parametrize("kind", [Cursor, DictCursor, SSCursor])
def test_a_connection_takes_messages_whatever_its_cursors_are(
    tables: Database, connection: Connection, kind: type[Cursor]
) -> None:
    connection.cursorclass = kind
    assert_joins_the_transaction(tables, caller_of(connection, connection))


def test_a_cursor_lends_its_connection(tables: Database, connection: Connection) -> None:
    assert_joins_the_transaction(tables, caller_of(connection, connection.cursor(DictCursor)))


@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
@pytest.mark.parametrize("mode", ["", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES"])
def test_messages_pass_through_any_character_set_and_sql_mode(
    tables: Database, charset: str, mode: str
) -> None:
    with closing(MySQLdb.connect(**dsn(tables), charset=charset)) as connection:
        caller = caller_of(connection, connection)
        caller.run(f"SET sql_mode = '{mode}'")
        assert_joins_the_transaction(tables, caller)


def test_no_warning_comes_of_bytes_that_are_no_text(connection: Connection) -> None:
    enqueue(connection, AWKWARD[0])
    assert connection.warning_count() == 0  # type: ignore[no-untyped-call]


def test_autocommit_is_no_transaction(connection: Connection) -> None:
    assert adapt(connection).in_transaction()
    connection.autocommit(True)
    assert not adapt(connection).in_transaction()
