"""The counter itself."""

from __future__ import annotations

import pytest

import outbox
from tests.budgets.wire import Wire
from tests.support import Database, eventually


def test_every_statement_is_counted_in_order_and_none_of_other_connections(
    wire: Wire, migrated: Database
) -> None:
    with outbox.Outbox.builder(wire.url).queue("orders", 1).enqueue_only().open() as producer:
        wire.tap.take()
        with producer.transaction() as conn:
            cursor = conn.cursor()
            for text in ("SELECT 1", "DELETE FROM outbox_body", "SELECT 2"):
                cursor.execute(text)
                cursor.fetchall() if text.startswith("SELECT") else None
        statements = wire.tap.take()
        migrated.query("SELECT 3")
    # mysql.connector switches autocommit instead of saying BEGIN, and pings before it hands out a cursor. The
    # savepoint tells whether the block ended the transaction; PostgreSQL's connection knows that by itself.
    # At the end the session is reset, since the block may have changed it; PostgreSQL's script begins with CLOSE.
    begin = {"postgresql": ["BEGIN"], "sqlite": ["BEGIN", "SAVEPOINT"]}.get(
        migrated.backend, ["SAVEPOINT", "PING"]
    )
    end = {"postgresql": ["COMMIT", "CLOSE"], "sqlite": ["RELEASE", "COMMIT"]}.get(
        migrated.backend, ["RELEASE", "COMMIT", "RESET", "COMMAND"]
    )
    expected = [*begin, "SELECT", "DELETE", "SELECT", *end]
    assert [statement.verb for statement in statements if statement.verb != "SET"] == expected
    texts = [statement.text for statement in statements if statement.verb in {"SELECT", "DELETE"}]
    assert texts == ["SELECT 1", "DELETE FROM outbox_body", "SELECT 2"]
    assert wire.tap.take() == []


@pytest.mark.backends("postgresql")
def test_prepared_statements_are_counted_each_time_they_are_run(wire: Wire) -> None:
    import psycopg

    with psycopg.connect(wire.url, autocommit=True) as conn:
        for n in range(12):
            conn.execute("SELECT %s::int", (n,))
        assert [statement.text for statement in wire.tap.take()] == ["SELECT $1::int"] * 12


@pytest.mark.backends("postgresql")
def test_notifications_can_be_lost_on_the_way(wire: Wire, migrated: Database) -> None:
    import psycopg

    assert wire.proxy
    with psycopg.connect(wire.url, autocommit=True) as conn:
        conn.execute("LISTEN news")
        migrated.execute("NOTIFY news, 'one'")
        assert [note.payload for note in conn.notifies(timeout=10, stop_after=1)] == ["one"]
        wire.proxy.lose_notifications = True
        migrated.execute("NOTIFY news, 'two'")
        eventually(lambda: wire.proxy is not None and wire.proxy.dropped == 1)
        wire.proxy.lose_notifications = False
        migrated.execute("NOTIFY news, 'three'")
        assert [note.payload for note in conn.notifies(timeout=10, stop_after=1)] == ["three"]


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_connections_can_be_cut(wire: Wire) -> None:
    assert wire.proxy
    with outbox.Outbox.builder(wire.url).queue("orders", 1).enqueue_only().open():
        assert wire.proxy.connections == 1
        wire.proxy.cut()
        eventually(lambda: wire.proxy is not None and wire.proxy.connections == 0)
