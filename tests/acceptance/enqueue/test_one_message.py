from __future__ import annotations

from datetime import datetime, timedelta, timezone

from outbox import Outbox, OutboxMessage, Reject
from tests.acceptance.enqueue.support import (
    QUEUE,
    Stored,
    assert_nothing_written,
    deliver,
    run,
    sales,
    sell,
    stored,
)
from tests.support import Database


def test_a_message_is_one_body_and_one_incoming_row(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    id_ = outbox.enqueue(connection, QUEUE, b"hello", partition=2)
    connection.commit()
    assert id_ > 0
    assert stored(tables) == [Stored(id_, QUEUE, 2, b"hello")]
    assert (tables.count("outbox_body"), tables.count("outbox_incoming")) == (1, 1)


def test_the_id_is_the_same_in_the_handler_and_in_the_dead_letter(outbox: Outbox, tables: Database) -> None:
    ids = [outbox.enqueue_now(QUEUE, {"n": n}, partition=n % 2) for n in range(4)]

    def refuse_odd(msg: OutboxMessage) -> Reject | None:
        return Reject("odd") if msg.json()["n"] % 2 else None

    received = deliver(tables, refuse_odd)
    assert {msg.id: msg.json()["n"] for msg in received} == dict(zip(ids, range(4), strict=True))
    letters = tables.query("SELECT message_id FROM outbox_dead_letters ORDER BY message_id")
    assert letters == [(ids[1],), (ids[3],)]


def test_a_message_arrives_with_its_facts(outbox: Outbox, tables: Database) -> None:
    before = datetime.now(timezone.utc)
    id_ = outbox.enqueue_now(QUEUE, [1], partition=3, payload_type="shop/order", headers={"trace": "7"})
    (msg,) = deliver(tables)
    assert (msg.id, msg.queue, msg.partition, msg.seq, msg.attempts) == (id_, QUEUE, 3, 1, 0)
    assert (msg.payload, msg.payload_type, dict(msg.headers)) == (b"[1]", "shop/order", {"trace": "7"})
    assert outbox.queue_of(msg.partition_id) == QUEUE
    assert msg.created_at.utcoffset() == timedelta(0)
    assert abs(msg.created_at - before) < timedelta(seconds=60)


def test_a_message_exists_once_the_caller_has_committed_and_not_before(
    outbox: Outbox, tables: Database
) -> None:
    connection = tables.connect()
    sell(connection, 1)
    outbox.enqueue(connection, QUEUE, b"x")
    assert_nothing_written(tables)
    assert sales(tables) == []
    connection.commit()
    assert len(stored(tables)) == 1
    assert sales(tables) == [1]


def test_the_callers_rollback_leaves_nothing(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    sell(connection, 1)
    outbox.enqueue(connection, QUEUE, b"x")
    connection.rollback()
    assert_nothing_written(tables)
    assert sales(tables) == []
    assert deliver(tables) == []


def test_a_connection_that_is_lost_before_the_commit_leaves_nothing(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    outbox.enqueue(connection, QUEUE, b"x")
    connection.close()
    assert_nothing_written(tables)


def test_rolling_back_to_a_savepoint_keeps_what_was_before_it(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    sell(connection, 1)
    kept = outbox.enqueue(connection, QUEUE, b"kept")
    run(connection, "SAVEPOINT here")
    sell(connection, 2)
    outbox.enqueue(connection, QUEUE, b"undone")
    run(connection, "ROLLBACK TO SAVEPOINT here")
    later = outbox.enqueue(connection, QUEUE, b"later")
    connection.commit()
    assert [(row.id, row.payload) for row in stored(tables)] == [(kept, b"kept"), (later, b"later")]
    assert sales(tables) == [1]


def test_messages_of_one_transaction_arrive_in_the_order_of_their_enqueues(
    outbox: Outbox, tables: Database
) -> None:
    connection = tables.connect()
    ids = [outbox.enqueue(connection, QUEUE, b"", partition=1) for _ in range(20)]
    connection.commit()
    assert [(msg.id, msg.seq) for msg in deliver(tables)] == list(zip(ids, range(1, 21), strict=True))


def test_without_partition_and_key_messages_are_spread_evenly(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    for _ in range(12):
        outbox.enqueue(connection, QUEUE, b"")
    connection.commit()
    assert sorted(row.partition for row in stored(tables)) == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
