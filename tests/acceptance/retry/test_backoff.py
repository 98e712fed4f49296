"""How long a partition rests after a failure."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from outbox import OutboxMessage, Retry, WorkerTuning
from tests.acceptance.bench import Bench, Hands
from tests.support import eventually

TUNING = WorkerTuning.processor().retry_base(4.0).retry_max(25.0)
LEAST = 0.8


def rests(bench: Bench, hands: Hands, failures: int) -> list[tuple[float, float]]:
    """Return for each failure how long the rest was at least and at most, seen from outside."""
    found: list[tuple[float, float]] = []
    for _ in range(failures):
        began = time.monotonic()
        hands.work()
        rest = bench.held_for()
        found.append((rest, rest + time.monotonic() - began))
        bench.end_backoff()
    return found


def assert_within(found: list[tuple[float, float]], delays: list[float]) -> None:
    for (at_least, at_most), delay in zip(found, delays, strict=True):
        assert at_least <= delay
        assert at_most >= delay * LEAST


def failing(bench: Bench, retry: Retry) -> Hands:
    bench.send("a")
    return bench.by_hand(lambda queue: queue.leased(lambda _msg: retry, tuning=TUNING))


def test_the_rest_doubles_from_the_base_up_to_the_maximum(bench: Bench) -> None:
    found = rests(bench, failing(bench, Retry("no")), 5)
    assert_within(found, [4.0, 8.0, 16.0, 25.0, 25.0])


def test_failures_that_do_not_count_make_the_rest_longer_too(bench: Bench) -> None:
    found = rests(bench, failing(bench, Retry("downstream is down", counts=False)), 5)
    assert_within(found, [4.0, 8.0, 16.0, 25.0, 25.0])


def test_another_process_goes_on_where_the_first_one_stopped(bench: Bench) -> None:
    rests(bench, failing(bench, Retry("no")), 2)
    other = bench.by_hand(lambda queue: queue.leased(lambda _msg: Retry("no"), tuning=TUNING))
    assert_within(rests(bench, other, 1), [16.0])


def test_a_new_head_begins_at_the_base(bench: Bench) -> None:
    def handler(msg: OutboxMessage) -> Retry | None:
        return None if msg.seq == 1 and msg.attempts == 3 else Retry("no")

    hands = bench.by_hand(lambda queue: queue.leased(handler, tuning=TUNING))
    bench.send("a", "b")
    assert_within(rests(bench, hands, 4), [4.0, 8.0, 16.0, 4.0])
    assert bench.row().cursor == 1


def test_ten_thousand_failures_rest_for_the_maximum(bench: Bench) -> None:
    hands = failing(bench, Retry("no"))
    bench.database.execute("UPDATE outbox_processor SET attempts = 10000")
    assert_within(rests(bench, hands, 2), [25.0, 25.0])
    assert bench.row().attempts == 10_002


@pytest.mark.parametrize("delay", [90, timedelta(minutes=1.5)], ids=["seconds", "timedelta"])
def test_a_retry_may_name_its_delay(bench: Bench, delay: float | timedelta) -> None:
    hands = failing(bench, Retry("at noon", delay=delay))
    hands.work()
    assert 85 < bench.held_for() <= 90
    assert bench.row()[:4] == (0, 1, "at noon", None)


def test_a_retry_without_delay_follows_at_once(bench: Bench) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> Retry | None:
        seen.append(msg.attempts)
        return Retry("again", delay=0) if msg.attempts < 3 else None

    bench.on_threads(lambda queue: queue.leased(handler), poll_interval=60)
    bench.send("a")
    eventually(lambda: seen == [0, 1, 2, 3], 20)


def test_new_messages_and_flushes_do_not_shorten_a_rest(bench: Bench) -> None:
    calls: list[tuple[float, int]] = []

    def handler(msg: OutboxMessage) -> Retry | None:
        calls.append((time.monotonic(), msg.seq))
        return Retry("in a moment", delay=0.8) if len(calls) == 1 else None

    handle = bench.on_threads(lambda queue: queue.leased(handler))
    handle.outbox.enqueue_now("orders", "first", partition=0)
    eventually(lambda: len(calls) == 1)
    while len(calls) == 1:
        handle.outbox.enqueue_now("orders", "another", partition=0)
    assert calls[1][1] == 1
    assert calls[1][0] - calls[0][0] >= 0.8


def test_no_other_process_shortens_a_rest(bench: Bench) -> None:
    calls: list[float] = []

    def handler(_msg: OutboxMessage) -> Retry | None:
        calls.append(time.monotonic())
        return Retry("in a moment", delay=0.8) if len(calls) == 1 else None

    for _ in range(3):
        bench.on_threads(lambda queue: queue.leased(handler), poll_interval=0.02)
    bench.send("a", "b")
    eventually(lambda: len(calls) == 3)
    # The clocks of the database and of this process may differ by a little.
    assert calls[1] - calls[0] >= 0.8 - 0.02


def test_a_rest_holds_whoever_insists(bench: Bench) -> None:
    first = failing(bench, Retry("later", delay=60))
    first.work()
    seen: list[int] = []
    other = bench.by_hand(lambda queue: queue.leased(lambda msg: seen.append(msg.seq)))
    before = bench.row()
    first.insist()
    other.insist()
    assert (seen, bench.row()) == ([], before)


def test_other_partitions_go_on_meanwhile(bench: Bench) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> Retry | None:
        if msg.partition == 0:
            return Retry("later", delay=3600)
        seen.append(msg.seq)
        return None

    bench.on_threads(lambda queue: queue.leased(handler))
    for number in range(5):
        bench.send(number, partition=0)
        bench.send(number, partition=1)
    eventually(lambda: seen == [1, 2, 3, 4, 5])
    assert bench.row(0).cursor == 0
