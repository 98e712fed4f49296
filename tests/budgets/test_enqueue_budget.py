"""What enqueueing adds to the caller's transaction.

PostgreSQL takes body and incoming row in one statement, and 1 000 messages as arrays. The others need
one insert for each of the two tables. A batch on MySQL and MariaDB first asks by how much ids step and
how large a statement may be, and goes in chunks of 500; SQLite's chunks are 333, for the smallest
number of parameters that a build may allow.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outbox import EnqueueMessage, Outbox
from tests.budgets.wire import Wire

ONE = {
    "postgresql": ["WITH"],
    "mysql": ["INSERT", "INSERT"],
    "mariadb": ["INSERT", "INSERT"],
    "sqlite": ["INSERT", "INSERT"],
}
THOUSAND = {
    "postgresql": ["WITH"],
    "mysql": ["SELECT", *["INSERT", "INSERT"] * 2],
    "mariadb": ["SELECT", *["INSERT", "INSERT"] * 2],
    "sqlite": ["INSERT", "INSERT"] * 4,
}


@pytest.fixture
def producer(wire: Wire) -> Iterator[Outbox]:
    with Outbox.builder(wire.url).queue("orders", 4).enqueue_only().open() as producer:
        yield producer


def sent(producer: Outbox, wire: Wire, *batches: int) -> list[str]:
    """Return what enqueueing sends in the middle of a transaction; batches of 0 stand for a single message."""
    with producer.transaction() as conn:
        conn.cursor().execute("DELETE FROM outbox_body WHERE id = 0")
        wire.tap.take()
        for size in batches:
            if size:
                producer.enqueue_batch(conn, "orders", [EnqueueMessage(b"x" * 100) for _ in range(size)])
            else:
                producer.enqueue(conn, "orders", b"x" * 100)
        return wire.tap.verbs()


def test_one_message(producer: Outbox, wire: Wire, backend: str) -> None:
    assert sent(producer, wire, 0) == ONE[backend]


def test_the_hundredth_message_costs_what_the_first_one_did(
    producer: Outbox, wire: Wire, backend: str
) -> None:
    assert sent(producer, wire, *[0] * 100) == ONE[backend] * 100


def test_a_thousand_messages_at_once(producer: Outbox, wire: Wire, backend: str) -> None:
    assert sent(producer, wire, 1000) == THOUSAND[backend]


def test_a_flush_without_anything_new_sends_nothing(producer: Outbox, wire: Wire, backend: str) -> None:
    sent(producer, wire, 0)  # flushes at its end
    wire.tap.take()
    producer.flush()
    assert wire.tap.verbs() == []


@pytest.mark.backends("mysql", "mariadb", "sqlite")
def test_a_flush_sends_nothing_where_others_poll(producer: Outbox, wire: Wire, backend: str) -> None:
    with producer.transaction() as conn:
        producer.enqueue(conn, "orders", b"x")
        wire.tap.take()
    assert wire.tap.verbs() == ["COMMIT"]


@pytest.mark.backends("postgresql")
def test_a_flush_sends_one_notification_however_many_messages_and_partitions(
    producer: Outbox, wire: Wire, backend: str
) -> None:
    with producer.transaction() as conn:
        for index in range(4):
            producer.enqueue(conn, "orders", b"x", partition=index)
        wire.tap.take()
    assert [statement.text for statement in wire.tap.take()] == ["COMMIT", "SELECT pg_notify($1, $2)"]
