"""Pauses, the hold and skipping, as all processes obey them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from outbox import ConfigurationError, OutboxMessage, PartitionOutOfRange, QueueNotRegistered, Retry
from outbox.facade import OutboxBuilder, QueueBuilder
from outbox.testing import drain
from tests.acceptance.bench.bench import QUEUE, Bench, Letter, all_delivered, at_rest, builder_for
from tests.support import eventually


class Seen:
    """A handler that remembers the payloads, in either mode."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    def leased(self, queue: QueueBuilder) -> OutboxBuilder:
        def handle(msg: OutboxMessage) -> None:
            self.payloads.append(msg.payload)

        return queue.leased(handle)

    def transactional(self, queue: QueueBuilder) -> OutboxBuilder:
        def handle(conn: object, msg: OutboxMessage) -> None:
            self.payloads.append(msg.payload)

        return queue.transactional(handle)


@pytest.mark.parametrize("mode", ["leased", "transactional"])
def test_a_paused_queue_takes_messages_in_and_delivers_none_until_it_is_resumed(
    bench: Bench, mode: str
) -> None:
    seen = Seen()
    hands = bench.by_hand(getattr(seen, mode))
    bench.producer.pause(QUEUE, reason="the bank is closed")
    bench.send(b"a", b"b")

    hands.work()
    partition = bench.producer.status().partitions[0]
    assert (seen.payloads, partition.backlog, partition.state) == ([], 2, "paused")
    assert partition.paused == "queue orders is paused: the bank is closed"

    assert bench.producer.resume(QUEUE) == 1
    hands.work()
    assert (seen.payloads, bench.producer.pauses()) == ([b"a", b"b"], [])


def test_a_paused_partition_leaves_the_others_alone(bench: Bench) -> None:
    seen = Seen()
    hands = bench.by_hand(seen.leased)
    bench.producer.pause(QUEUE, 1)
    bench.send(b"free", partition=0)
    bench.send(b"paused", partition=1)

    hands.work()
    assert seen.payloads == [b"free"]

    bench.producer.pause(QUEUE)
    assert bench.producer.resume(QUEUE, 1) == 1, "the queue as a whole stays paused"
    hands.work()
    assert seen.payloads == [b"free"]
    assert bench.producer.resume(QUEUE) == 1
    hands.work()
    assert seen.payloads == [b"free", b"paused"]


def test_an_idle_process_does_not_deliver_what_comes_after_the_pause(bench: Bench) -> None:
    seen = Seen()
    handle = bench.on_threads(seen.leased)
    bench.producer.pause(QUEUE)
    eventually(lambda: handle._pipeline.rules.paused_for(QUEUE, 0) is not None)

    handle.outbox.enqueue_now(QUEUE, b"a", partition=0)
    eventually(lambda: bench.producer.status().partitions[0].backlog == 1)
    assert seen.payloads == []

    bench.producer.resume(QUEUE)
    eventually(lambda: all_delivered(bench.producer))
    assert seen.payloads == [b"a"]


def test_a_batch_in_progress_ends_at_the_message_that_it_is_at(bench: Bench) -> None:
    seen: list[bytes] = []

    def handle(msg: OutboxMessage) -> None:
        seen.append(msg.payload)
        if len(seen) == 1:
            bench.producer.pause(QUEUE)
            hands.look()

    hands = bench.by_hand(lambda queue: queue.leased(handle))
    bench.send(b"a", b"b", b"c")

    hands.work()

    assert (seen, bench.row()) == ([b"a"], at_rest(1))


def test_a_pause_ends_by_itself(bench: Bench) -> None:
    bench.producer.pause(QUEUE, until=datetime.now(timezone.utc) + timedelta(hours=1))
    [pause] = bench.producer.pauses()
    assert pause.until is not None
    assert timedelta(minutes=59) < pause.until - pause.paused_at < timedelta(minutes=61)

    bench.producer.pause(QUEUE, until=datetime.now(timezone.utc) - timedelta(seconds=1))

    assert bench.producer.pauses() == []
    assert bench.producer.resume(QUEUE) == 0


def test_a_hold_keeps_workers_that_start_afterwards_from_delivering(bench: Bench) -> None:
    bench.send(b"a")
    bench.producer.hold(reason="restored on staging")
    seen = Seen()
    hands = bench.by_hand(seen.leased)

    assert drain(builder_for(bench.database.url, seen.leased)).processed == 0
    hands.work()
    assert seen.payloads == []

    assert bench.producer.end_hold()
    assert not bench.producer.end_hold()
    hands.work()
    assert seen.payloads == [b"a"]


def test_what_does_not_exist_cannot_be_paused(bench: Bench) -> None:
    with pytest.raises(QueueNotRegistered):
        bench.producer.pause("unknown")
    with pytest.raises(PartitionOutOfRange):
        bench.producer.pause(QUEUE, 4)
    with pytest.raises(ConfigurationError, match="time zone"):
        bench.producer.pause(QUEUE, until=datetime(2030, 1, 1))  # noqa: DTZ001 - the mistake
    assert bench.producer.pauses() == []


def test_the_failing_head_is_skipped_to_the_dead_letters(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(lambda msg: Retry("no")))
    ids = bench.send(b"poison", b"next")
    hands.work()

    with pytest.raises(ConfigurationError, match="the next message of partition"):
        bench.producer.skip(bench.ids[0], 2)
    assert bench.producer.skip(bench.ids[0], 1, reason="unknown currency") == ids[0]

    assert bench.dead() == [Letter(1, "unknown currency", 1)]
    assert bench.row() == at_rest(1)
    with pytest.raises(ConfigurationError, match="nothing waits"):
        bench.producer.skip(bench.ids[1], 1)
