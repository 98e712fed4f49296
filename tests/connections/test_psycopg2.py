from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from psycopg2.extensions import cursor as plain_cursor
from psycopg2.extras import DictConnection, RealDictCursor

from outbox.connections import adapt
from tests.connections.support import PLAIN, Caller, assert_joins_the_transaction, attributes, enqueue, stored
from tests.support import Database

pytestmark = pytest.mark.backends("postgresql")

SETTINGS = ("autocommit", "closed", "cursor_factory", "encoding", "isolation_level", "status")


@pytest.fixture
def connection(tables: Database) -> Iterator[psycopg2.extensions.connection]:
    with closing(psycopg2.connect(tables.url)) as connection:
        yield connection


def caller_of(connection: psycopg2.extensions.connection, given: object) -> Caller:
    return Caller(
        given,
        run=connection.cursor(cursor_factory=plain_cursor).execute,
        commit=connection.commit,
        rollback=connection.rollback,
        state=lambda: [*attributes(connection, SETTINGS), connection.info.transaction_status],
    )


def test_a_connection_takes_messages(tables: Database, connection: psycopg2.extensions.connection) -> None:
    assert_joins_the_transaction(tables, caller_of(connection, connection))


def test_a_connection_takes_messages_whatever_its_cursors_are(tables: Database) -> None:
    options = {"connection_factory": DictConnection, "cursor_factory": RealDictCursor}
    with closing(psycopg2.connect(tables.url, **options)) as connection:
        assert_joins_the_transaction(tables, caller_of(connection, connection))


def test_a_cursor_lends_its_connection(tables: Database, connection: psycopg2.extensions.connection) -> None:
    given = connection.cursor(cursor_factory=RealDictCursor)
    assert_joins_the_transaction(tables, caller_of(connection, given))


def test_messages_pass_through_a_session_of_another_encoding(
    tables: Database, connection: psycopg2.extensions.connection
) -> None:
    connection.set_client_encoding("LATIN1")
    assert_joins_the_transaction(tables, caller_of(connection, connection))


def test_autocommit_is_no_transaction_until_one_is_begun(
    tables: Database, connection: psycopg2.extensions.connection
) -> None:
    connection.autocommit = True
    assert not adapt(connection).in_transaction()
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    assert adapt(connection).in_transaction()
    enqueue(connection, PLAIN)
    cursor.execute("ROLLBACK")
    assert stored(tables) == []


def test_a_failed_transaction_lets_the_databases_own_error_through(
    connection: psycopg2.extensions.connection,
) -> None:
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("BEGIN")
    with pytest.raises(psycopg2.errors.UndefinedTable):
        cursor.execute("SELECT * FROM missing")
    assert adapt(connection).in_transaction()
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
        enqueue(connection, PLAIN)
