"""What enqueueing adds to the caller's transaction.

PostgreSQL takes body and incoming row in one statement, the others need one insert for each of the two
tables; that goes for a single message and for each 1 000 of a batch. MySQL and MariaDB are asked first what
LAST_INSERT_ID() is, so that the second insert can put it back. There statements also end below a mebibyte,
and a single message that needs more costs a question first: how large may a statement be? On SQLite, Python 3.10 cannot tell how many parameters a connection takes, so 333 messages
go at once there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from outbox import EnqueueMessage, Outbox
from tests.budgets.wire import Wire
from tests.support import eventually

ONE = {
    "postgresql": ["WITH"],
    "mysql": ["SELECT", "INSERT", "INSERT"],
    "mariadb": ["SELECT", "INSERT", "INSERT"],
    "sqlite": ["INSERT", "INSERT"],
}
# PostgreSQL's one statement is its own transaction.
ALONE = {
    "postgresql": ["WITH"],
    "mysql": [*ONE["mysql"], "COMMIT"],
    "mariadb": [*ONE["mariadb"], "COMMIT"],
    "sqlite": ["BEGIN", *ONE["sqlite"], "COMMIT"],
}
THOUSAND = {
    "postgresql": ["WITH"],
    "mysql": ["SELECT", "INSERT", "INSERT"],
    "mariadb": ["SELECT", "INSERT", "INSERT"],
    "sqlite": ["INSERT", "INSERT"] * (1 if sys.version_info >= (3, 11) else 4),
}
MEBIBYTE = 1 << 20  # smaller than any release's default for max_allowed_packet


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


@pytest.mark.backends("mysql", "mariadb")
@pytest.mark.parametrize("size", [400, 475, 60_000])
def test_a_batch_stays_below_a_mebibyte_a_statement_and_asks_nothing(
    producer: Outbox, wire: Wire, backend: str, size: int
) -> None:
    with producer.transaction() as conn:
        wire.tap.take()
        headers = {"trace": "f00d"}
        items = [EnqueueMessage(b"x" * size, headers=headers) for _ in range(1_000_000 // size)]
        producer.enqueue_batch(conn, "orders", items)
        passed = wire.tap.take()
    assert [statement.verb for statement in passed].count("SELECT") == 1
    assert max(len(statement.text) for statement in passed) < MEBIBYTE


@pytest.mark.backends("mysql", "mariadb")
def test_a_large_message_costs_one_question(wire: Wire, backend: str) -> None:
    builder = Outbox.builder(wire.url).max_payload_size(600_000).queue("orders", 4)
    with builder.enqueue_only().open() as producer, producer.transaction() as conn:
        conn.cursor().execute("DELETE FROM outbox_body WHERE id = 0")
        wire.tap.take()
        producer.enqueue(conn, "orders", bytes(600_000))
        assert wire.tap.verbs() == ["SELECT", "SELECT", "INSERT", "INSERT"]


def test_a_key_and_a_delay_take_no_statement_more(producer: Outbox, wire: Wire, backend: str) -> None:
    with producer.transaction() as conn:
        conn.cursor().execute("DELETE FROM outbox_body WHERE id = 0")
        for options in ({"key": "k"}, {"deliver_after": 60}, {"key": "k", "deliver_after": 60}):
            wire.tap.take()
            producer.enqueue(conn, "orders", b"x" * 100, **options)
            assert wire.tap.verbs() == ONE[backend]


def test_a_dedup_key_takes_two_statements_more_and_three_where_an_insert_cannot_tell(
    producer: Outbox, wire: Wire, backend: str
) -> None:
    claim = ["INSERT"] if backend in {"postgresql", "sqlite"} else ["INSERT", "SELECT"]
    new = [*claim, *ONE[backend], "WITH" if backend == "sqlite" else "UPDATE"]
    # On MySQL and MariaDB a row for the key is committed on another connection first.
    reserve = [] if backend in {"postgresql", "sqlite"} else ["INSERT", "COMMIT"]
    with producer.transaction() as conn:
        conn.cursor().execute("DELETE FROM outbox_body WHERE id = 0")
        producer.enqueue(conn, "orders", b"x", dedup_key="first")
        wire.tap.take()
        producer.enqueue(conn, "orders", b"x", dedup_key="k")
        assert wire.tap.verbs()[-len(reserve + new) :] == reserve + new
        wire.tap.take()
        producer.enqueue(conn, "orders", b"x", dedup_key="k")
        assert wire.tap.verbs()[-2:] == ["INSERT", "SELECT"]
        wire.tap.take()
        producer.enqueue_batch(conn, "orders", [EnqueueMessage(b"", dedup_key=str(n)) for n in range(300)])
        assert wire.tap.verbs()[-len(reserve + new) :] == reserve + new


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
    # What the block may have told its session is reset; SQLite's connection is closed.
    reset = [] if backend == "sqlite" else ["RESET", "SET", "SET", "COMMAND", "SET"]
    assert wire.tap.verbs() == ["RELEASE", "COMMIT", *reset]


@pytest.mark.backends("postgresql")
def test_a_flush_sends_one_notification_however_many_messages_and_partitions(
    producer: Outbox, wire: Wire, backend: str
) -> None:
    with producer.transaction() as conn:
        for index in range(4):
            producer.enqueue(conn, "orders", b"x", partition=index)
        wire.tap.take()
    # It is sent when flush returns, but nobody has waited for it to arrive.
    eventually(lambda: len(wire.tap.seen()) == 5)
    commit, reset, answered_by, session, notification = (statement.text for statement in wire.tap.take())
    assert commit == "COMMIT"
    assert reset.startswith("CLOSE ALL")  # what the block may have told its session
    # The connection that notifies is new, and it might lead to a pooler.
    assert answered_by == "SELECT pg_backend_pid() AS answered_by"
    assert session.startswith("SELECT set_config(")
    assert notification == "SELECT pg_notify($1, $2)"


def test_a_message_in_a_transaction_of_its_own(producer: Outbox, wire: Wire, backend: str) -> None:
    producer.enqueue_now("orders", b"x")
    eventually(lambda: backend != "postgresql" or "pg_notify" in wire.tap.seen()[-1].text)
    wire.tap.take()
    producer.enqueue_now("orders", b"x")
    verbs = [statement.verb for statement in wire.tap.take() if "pg_notify" not in statement.text]
    assert verbs == ALONE[backend]
