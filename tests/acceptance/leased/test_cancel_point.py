"""The cancel point, and the time left until then."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from outbox import Batch, LeaseConfig, OutboxMessage
from tests.acceptance.bench import Bench, at_rest
from tests.support import eventually

# The cancel point comes 0.3 seconds after the start, and the ack has plenty of time.
EARLY = LeaseConfig(30, headroom=29.7)


def out_of_time(msg: OutboxMessage) -> bool:
    return eventually(lambda: msg.remaining() == 0.0)


def test_after_the_cancel_point_no_further_message_starts_and_the_finished_prefix_is_acked(
    bench: Bench,
) -> None:
    seen: list[tuple[int, int]] = []

    def handler(msg: OutboxMessage) -> None:
        seen.append((msg.seq, msg.attempts))
        if msg.seq == 2:
            out_of_time(msg)

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=EARLY))
    bench.send(*"abcd")
    hands.turn()
    assert seen == [(1, 0), (2, 0)]
    assert bench.row() == at_rest(2)
    hands.turn()
    assert seen == [(1, 0), (2, 0), (3, 0), (4, 0)]
    assert bench.row() == at_rest(4)


def test_the_rest_follows_at_once_without_a_poll(bench: Bench) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> None:
        seen.append(msg.seq)
        if msg.seq == 1:
            out_of_time(msg)

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=EARLY))
    bench.send(*"abc")
    hands.work()
    assert seen == [1, 2, 3]


def test_a_cancelled_batch_keeps_its_marks_and_the_rest_is_not_charged(bench: Bench) -> None:
    chunks: list[list[int]] = []

    def handler(batch: Batch) -> None:
        first = batch.next_chunk(2)
        chunks.append([msg.seq for msg in first])
        if batch.messages[0].seq == 1:
            eventually(lambda: batch.cancelled)
            assert batch.remaining() == 0.0
        batch.ack_chunk(len(first))

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler, lease=EARLY))
    bench.send(*"abcd")
    hands.turn()
    assert bench.row() == at_rest(2)
    hands.work()
    # A slow handler gets smaller batches.
    assert chunks[0] == [1, 2]
    assert [seq for chunk in chunks[1:] for seq in chunk] == [3, 4]
    assert bench.row() == at_rest(4)


def test_a_cancelled_batch_without_a_finished_message_is_no_failure(bench: Bench) -> None:
    calls: list[int] = []

    def handler(batch: Batch) -> None:
        calls.append(len(batch))
        if len(calls) == 1:
            eventually(lambda: batch.cancelled)
            batch.ack_chunk(0)

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler, lease=EARLY, max_attempts=1))
    bench.send("a")
    hands.turn()
    assert bench.row() == at_rest(0)
    hands.turn()
    assert (calls, bench.row(), bench.dead()) == ([1, 1], at_rest(1), [])


def test_stopping_is_a_cancel_point_too(bench: Bench) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> None:
        seen.append(msg.seq)
        hands.stopping.set()

    hands = bench.by_hand(lambda queue: queue.leased(handler))
    bench.send(*"abc")
    hands.turn()
    assert seen == [1]
    assert bench.row() == at_rest(1)


def test_the_time_left_falls_and_never_goes_below_zero(bench: Bench) -> None:
    left: list[float] = []

    def handler(msg: OutboxMessage) -> None:
        left.append(msg.remaining())
        eventually(lambda: msg.remaining() < left[0])
        left.append(msg.remaining())
        out_of_time(msg)
        left.append(msg.remaining())

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=EARLY))
    bench.send("a")
    hands.turn()
    first, second, last = left
    assert EARLY.handler_budget >= first > second > last == 0.0


@pytest.mark.parametrize("duration", [20.5, timedelta(seconds=20, milliseconds=500), 21.5], ids=str)
def test_a_lease_lasts_as_long_as_it_says_by_the_databases_clock(
    bench: Bench, duration: float | timedelta
) -> None:
    lease = LeaseConfig(duration, headroom=0.1)
    held_for: list[float] = []
    asked_at: list[float] = []

    def handler(_msg: OutboxMessage) -> None:
        held_for.append(bench.held_for())
        asked_at.append(time.monotonic())

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=lease))
    bench.send("a")
    began = time.monotonic()
    hands.turn()
    # The two clocks may differ by a little.
    least = lease.duration - (asked_at[0] - began) - 0.02
    assert least <= held_for[0] <= lease.duration


def test_without_a_lease_of_its_own_a_queue_has_the_tunings(bench: Bench) -> None:
    held_for: list[float] = []
    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: held_for.append(bench.held_for())))
    bench.send("a")
    hands.turn()
    assert 20 < held_for[0] <= 30
