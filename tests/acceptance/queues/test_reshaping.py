"""Rename, purge and drop a queue while its workers and producers run."""

from __future__ import annotations

import pytest

from outbox import ConfigurationError, Outbox, OutboxMessage, QueueNotRegistered
from outbox.facade import OutboxBuilder, QueueBuilder
from tests.acceptance.bench.bench import PARTITIONS, QUEUE, Bench, all_delivered
from tests.support import Database, eventually

ROWS = ("body", "incoming", "outgoing", "delayed", "parked", "parked_keys")


def rows(database: Database) -> dict[str, int]:
    """Return how much is left in the tables of messages."""
    counts = {table: database.count(f"outbox_{table}") for table in ROWS}
    return {table: count for table, count in counts.items() if count}


class Seen:
    """A handler that remembers payloads."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    def declare(self, queue: QueueBuilder) -> OutboxBuilder:
        return queue.leased(self.handle, max_attempts=1, on_give_up="park_key")

    def handle(self, msg: OutboxMessage) -> None:
        if msg.payload == b"bad":
            raise ValueError
        self.payloads.append(msg.payload)


def test_a_renamed_queue_is_served_by_processes_with_either_name(bench: Bench) -> None:
    seen = Seen()
    handle = bench.on_threads(seen.declare)
    bench.send(b"before")
    bench.producer.rename_queue(QUEUE, "purchases")

    bench.send(b"after")
    eventually(lambda: all_delivered(bench.producer))
    with Outbox.builder(bench.database.url).queue("purchases", PARTITIONS).enqueue_only().open() as new:
        new.enqueue_now("purchases", b"new", partition=0)
    with Outbox.builder(bench.database.url).queue(QUEUE, PARTITIONS).enqueue_only().open() as late:
        late.enqueue_now(QUEUE, b"late", partition=0)
    eventually(lambda: all_delivered(bench.producer))
    assert seen.payloads == [b"before", b"after", b"new", b"late"]
    assert {row.queue for row in bench.producer.status().partitions} == {"purchases"}

    bench.producer.pause("purchases")
    eventually(lambda: handle._pipeline.rules.paused_for(QUEUE, 0) is not None)
    bench.producer.resume("purchases")
    handle._pipeline.reconciler()._check_ground()  # it is no other queue's
    bench.producer.rename_queue("purchases", QUEUE)
    assert bench.database.count("outbox_partitions") == PARTITIONS


def test_a_name_that_is_taken_or_unknown_is_refused(bench: Bench) -> None:
    bench.producer.register_queue("other", 1)
    with pytest.raises(ConfigurationError, match="there is a queue"):
        bench.producer.rename_queue(QUEUE, "other")
    with pytest.raises(QueueNotRegistered):
        bench.producer.rename_queue("unknown", "known")
    with pytest.raises(QueueNotRegistered):
        bench.producer.purge("unknown")


def test_a_purge_leaves_nothing_and_what_comes_later_is_delivered(bench: Bench) -> None:
    seen = Seen()
    hands = bench.by_hand(seen.declare)
    with bench.producer.transaction() as conn:
        bench.producer.enqueue(conn, QUEUE, b"bad", key="k")
        bench.producer.enqueue(conn, QUEUE, b"waits", key="k")
    hands.work()
    assert bench.producer.parked.count_messages() == 2
    bench.send(b"numbered", b"numbered too")
    hands.sequence()
    bench.send(b"new", partition=1)
    bench.producer.enqueue_now(QUEUE, b"later", partition=2, deliver_after=60.0)

    assert bench.producer.purge(QUEUE) == 4
    assert rows(bench.database) == {}

    bench.send(b"fresh")
    hands.work()
    assert seen.payloads == [b"fresh"]


def test_a_batch_in_hand_is_finished_and_nothing_is_read_on_after_a_purge(bench: Bench) -> None:
    seen: list[bytes] = []

    def handle(msg: OutboxMessage) -> None:
        if not seen:
            bench.producer.purge(QUEUE)
        seen.append(msg.payload)

    hands = bench.by_hand(lambda queue: queue.leased(handle, max_attempts=5))
    bench.send(*[b"%d" % n for n in range(20)])
    hands.work()
    bench.send(b"fresh")
    hands.work()

    assert seen[-1] == b"fresh"
    assert len(seen) == len(set(seen)), "nothing is delivered twice"
    hands.pipeline.vacuum().run_once()
    assert rows(bench.database) == {}


def test_a_dropped_queue_frees_its_name_and_shows_what_comes_too_late(bench: Bench) -> None:
    bench.send(b"a", b"b")
    bench.producer.pause(QUEUE)

    assert bench.producer.drop_queue(QUEUE) == 2
    assert rows(bench.database) == {}
    assert (bench.producer.status().partitions, bench.producer.pauses()) == ([], [])

    with Outbox.builder(bench.database.url).queue(QUEUE, 2).enqueue_only().open() as anew:
        anew.enqueue_now(QUEUE, b"new")
        assert {row.queue for row in anew.status().partitions} == {QUEUE}
        bench.send(b"late")
        assert {row.queue for row in anew.status().partitions} == {QUEUE, f"{QUEUE}.dropped-{bench.ids[0]}"}
