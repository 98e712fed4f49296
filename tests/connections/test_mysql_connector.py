from __future__ import annotations

from typing import Any

import pytest
from mysql.connector.pooling import MySQLConnectionPool

from outbox.connections import adapt
from tests.connections.support import (
    PLAIN,
    Caller,
    assert_joins_the_transaction,
    dsn,
    enqueue,
    numbered,
    stored,
)
from tests.support import Database

pytestmark = pytest.mark.backends("mysql", "mariadb")

pure_or_not = pytest.mark.parametrize("use_pure", [False, True], ids=["c", "pure"])


def caller_of(connection: Any, given: object) -> Caller:
    def run(sql: str) -> None:
        with connection.cursor(dictionary=False, buffered=True) as cursor:
            cursor.execute(sql)

    def state() -> list[object]:
        names = ("charset", "in_transaction", "sql_mode", "autocommit", "get_warnings", "unread_result")
        return [getattr(connection, name) for name in names]

    return Caller(given, run, connection.commit, connection.rollback, state)


@pure_or_not
@pytest.mark.parametrize(
    "options", [{}, {"raw": True}, {"buffered": True}, {"raise_on_warnings": True}], ids=str
)
def test_a_connection_takes_messages_whatever_its_cursors_are(
    tables: Database, use_pure: bool, options: dict[str, Any]
) -> None:
    connection = tables.connect(use_pure=use_pure, **options)
    caller = caller_of(connection, connection)
    caller.state = lambda: [connection.in_transaction, connection.unread_result]
    assert_joins_the_transaction(tables, caller)


@pure_or_not
@pytest.mark.parametrize("kind", [{}, {"dictionary": True}, {"prepared": True}], ids=str)
def test_a_cursor_lends_its_connection(tables: Database, use_pure: bool, kind: dict[str, Any]) -> None:
    connection = tables.connect(use_pure=use_pure)
    with connection.cursor(**kind) as cursor:
        assert_joins_the_transaction(tables, caller_of(connection, cursor))


@pure_or_not
def test_a_pools_connection_takes_messages(tables: Database, use_pure: bool) -> None:
    pool = MySQLConnectionPool(pool_size=1, pool_name=f"pool_{use_pure}", use_pure=use_pure, **dsn(tables))
    with pool.get_connection() as connection:
        assert_joins_the_transaction(tables, caller_of(connection, connection))
    with pool.get_connection() as again:
        again.cmd_query("SELECT 1")
        again.get_rows()
    pool._remove_connections()


@pure_or_not
@pytest.mark.parametrize("charset", ["utf8mb4", "latin1"])
@pytest.mark.parametrize("mode", ["", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES", "TRADITIONAL"])
def test_messages_pass_through_any_character_set_and_sql_mode(
    tables: Database, use_pure: bool, charset: str, mode: str
) -> None:
    connection = tables.connect(use_pure=use_pure, charset=charset)
    caller = caller_of(connection, connection)
    caller.run("SELECT 1")  # so that the driver may learn the mode that is about to change
    caller.run(f"SET sql_mode = '{mode}'")
    assert_joins_the_transaction(tables, caller)


@pure_or_not
def test_autocommit_is_no_transaction_until_one_is_begun(tables: Database, use_pure: bool) -> None:
    connection = tables.connect(autocommit=True, use_pure=use_pure)
    assert not adapt(connection).in_transaction()
    connection.start_transaction()
    assert adapt(connection).in_transaction()
    enqueue(connection, PLAIN)
    connection.rollback()
    assert stored(tables) == []
    assert not adapt(connection).in_transaction()


@pure_or_not
def test_autocommit_set_by_a_statement_is_seen(tables: Database, use_pure: bool) -> None:
    connection = tables.connect(use_pure=use_pure)
    assert adapt(connection).in_transaction()
    connection.cmd_query("SET autocommit = 1")
    assert not adapt(connection).in_transaction()
    connection.cmd_query("SET autocommit = 0")
    assert adapt(connection).in_transaction()


def test_a_message_costs_three_statements_and_so_do_a_thousand(tables: Database) -> None:
    connection = tables.connect(use_pure=False)

    def questions() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SHOW SESSION STATUS LIKE 'Questions'")
            return int(cursor.fetchall()[0][1])

    def cost(*messages: Any) -> int:
        before = questions()
        assert adapt(connection).in_transaction()
        enqueue(connection, *messages)
        return questions() - before - 1

    cost(PLAIN)  # the driver asks for the sql_mode once
    connection.commit()
    assert [cost(*numbered(count)) for count in (1, 2, 1000, 1001)] == [3, 3, 3, 5]


def test_no_ping_goes_ahead_of_a_message(tables: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = tables.connect(use_pure=True)
    enqueue(connection, PLAIN)  # the driver asks for the sql_mode once, and pings for it
    pings: list[str] = []
    monkeypatch.setattr(connection, "cmd_ping", lambda: pings.append("ping"))
    enqueue(connection, PLAIN)
    assert pings == []


def test_a_closed_cursor_is_refused(tables: Database) -> None:
    cursor = tables.connect().cursor()
    cursor.close()
    with pytest.raises(TypeError, match="MySQLCursor"):
        adapt(cursor)
