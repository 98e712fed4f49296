from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from outbox.connections import adapt
from outbox.enqueue import PreparedMessage
from tests.connections.support import (
    PLAIN,
    Caller,
    assert_joins_the_transaction,
    attributes,
    enqueue,
    numbered,
    stored,
)
from tests.support import Database

pytestmark = pytest.mark.backends("postgresql")

SETTINGS = ("autocommit", "closed", "cursor_factory", "isolation_level", "prepare_threshold", "row_factory")


def caller_of(connection: psycopg.Connection, given: object) -> Caller:
    return Caller(
        given,
        run=psycopg.Cursor(connection).execute,
        commit=connection.commit,
        rollback=connection.rollback,
        state=lambda: [*attributes(connection, SETTINGS), connection.info.transaction_status],
    )


@pytest.mark.parametrize("factory", [psycopg.Cursor, psycopg.ClientCursor, psycopg.RawCursor])
def test_a_connection_takes_messages_whatever_its_cursors_are(tables: Database, factory: type) -> None:
    connection = tables.connect(cursor_factory=factory, row_factory=dict_row)
    assert_joins_the_transaction(tables, caller_of(connection, connection))


@pytest.mark.parametrize("name", ["", "server_side"])
def test_a_cursor_lends_its_connection(tables: Database, name: str) -> None:
    connection = tables.connect()
    with connection.cursor(name) as cursor:
        assert_joins_the_transaction(tables, caller_of(connection, cursor))


def test_a_subclass_is_recognised(tables: Database) -> None:
    class Traced(psycopg.Connection):
        pass

    with Traced.connect(tables.url) as connection:
        assert_joins_the_transaction(tables, caller_of(connection, connection))


def test_a_message_costs_one_round_trip_and_so_does_a_chunk(tables: Database, tmp_path: Path) -> None:
    connection = tables.connect()
    connection.execute("INSERT INTO orders VALUES (1)")

    def round_trips(*messages: PreparedMessage) -> int:
        with (tmp_path / "trace").open("w+b") as trace:
            connection.pgconn.trace(trace.fileno())
            enqueue(connection, *messages)
            connection.pgconn.untrace()
            trace.seek(0)
            return len(re.findall(rb"\tF\t.*(Sync|Query)", trace.read()))

    assert [round_trips(*numbered(count)) for count in (1, 2, 1000, 1001)] == [1, 1, 1, 2]


def test_autocommit_is_no_transaction(tables: Database) -> None:
    assert not adapt(tables.connect(autocommit=True)).in_transaction()


def test_a_transaction_block_on_an_autocommit_connection_counts(tables: Database) -> None:
    connection = tables.connect(autocommit=True)
    with connection.transaction():
        assert adapt(connection).in_transaction()
        enqueue(connection, PLAIN)
    assert len(stored(tables)) == 1
    assert not adapt(connection).in_transaction()


def test_a_begin_still_in_the_pipeline_counts(tables: Database) -> None:
    connection = tables.connect(autocommit=True)
    with connection.pipeline():
        assert not adapt(connection).in_transaction()
        with connection.transaction():
            assert adapt(connection).in_transaction()
            enqueue(connection, PLAIN)
        assert not adapt(connection).in_transaction()
        connection.execute("BEGIN")
        assert adapt(connection).in_transaction()
        connection.execute("ROLLBACK")
        assert not adapt(connection).in_transaction()
    assert len(stored(tables)) == 1


def test_a_pipeline_takes_messages_between_other_statements(tables: Database) -> None:
    connection = tables.connect()
    with connection.pipeline():
        connection.execute("INSERT INTO orders VALUES (1)")
        (single,) = enqueue(connection, PLAIN)
        many = enqueue(connection, *numbered(3))
        connection.execute("INSERT INTO orders VALUES (2)")
        connection.commit()
    assert [number for number, _ in stored(tables)] == [single, *many]


def test_a_failed_transaction_lets_the_databases_own_error_through(tables: Database) -> None:
    connection = tables.connect(autocommit=True)
    connection.execute("BEGIN")
    with pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM missing")
    assert adapt(connection).in_transaction()
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        enqueue(connection, PLAIN)
