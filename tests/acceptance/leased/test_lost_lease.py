"""A lease that runs out while its handler is still busy.

The tests end it by hand: one that is short enough to wait for has run out before its handler is called
when the machine is slow.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from outbox import Batch, OutboxMessage, Reject, Retry, WorkerTuning
from outbox.facade import OutboxBuilder, QueueBuilder
from tests.acceptance.bench import Bench, Row
from tests.support import eventually

Method = Callable[..., OutboxBuilder]


class Slow:
    """A handler that says when it began, and answers when it is told to go on."""

    def __init__(self, answer: Callable[[Any], object]) -> None:
        self.began = threading.Event()
        self.go_on = threading.Event()
        self.answer = answer

    def __call__(self, message_or_batch: object) -> object:
        self.began.set()
        assert self.go_on.wait(20)
        return self.answer(message_or_batch)


class LateTurn:
    """A turn in a thread of its own, stuck in its handler until told to go on."""

    def __init__(self, bench: Bench, method: Method, answer: Callable[[Any], object]) -> None:
        self.slow = Slow(answer)
        self.hands = bench.by_hand(lambda queue: method(queue, self.slow))
        self._thread = threading.Thread(target=self.hands.turn)

    def begin(self) -> None:
        self._thread.start()
        assert self.slow.began.wait(10)

    def finish(self) -> None:
        self.slow.go_on.set()
        self._thread.join()


def reject_each(batch: Batch) -> None:
    for _ in batch:
        batch.reject("late")


def keep_one(batch: Batch) -> Retry:
    batch.next_msg()
    batch.ack()
    return Retry("late")


late = pytest.mark.parametrize(
    ("method", "answer"),
    [
        pytest.param(QueueBuilder.leased, lambda _msg: None, id="success"),
        pytest.param(QueueBuilder.leased, lambda _msg: Retry("late"), id="retry"),
        pytest.param(QueueBuilder.leased, lambda _msg: Reject("late"), id="reject"),
        pytest.param(QueueBuilder.leased_batch, lambda _batch: None, id="whole batch"),
        pytest.param(QueueBuilder.leased_batch, keep_one, id="half a batch"),
        pytest.param(QueueBuilder.leased_batch, reject_each, id="rejected batch"),
    ],
)


@late
def test_whoever_lost_the_lease_changes_nothing_while_the_new_owner_works(
    bench: Bench, method: Method, answer: Callable[[Any], object]
) -> None:
    first = LateTurn(bench, method, answer)
    bench.send("a", "b")
    first.begin()
    rows: list[Row] = []
    seen: list[tuple[int, int]] = []

    def takes_over(msg: OutboxMessage) -> None:
        rows.append(bench.row())
        first.finish()
        rows.append(bench.row())
        seen.append((msg.seq, msg.attempts))

    second = bench.by_hand(lambda queue: queue.leased(takes_over))
    second.insist()
    assert rows == []
    bench.end_lease()
    second.work()
    assert rows[0].attempts == 2
    assert rows[0].token is not None
    assert rows[1] == rows[0]
    assert bench.dead() == []
    assert seen == [(1, 1), (2, 0)]
    assert bench.row() == Row(cursor=2, attempts=0, error=None, token=None, held=False)
    assert first.hands.pipeline.counters.snapshot()["lost_leases"] == 1


@late
def test_whoever_lost_the_lease_changes_nothing_after_the_new_owner_has_finished(
    bench: Bench, method: Method, answer: Callable[[Any], object]
) -> None:
    first = LateTurn(bench, method, answer)
    bench.send("a", "b")
    first.begin()
    seen: list[int] = []
    second = bench.by_hand(lambda queue: queue.leased(lambda msg: seen.append(msg.seq)))
    bench.end_lease()
    second.work()
    assert seen == [1, 2]
    first.finish()
    assert bench.row() == Row(cursor=2, attempts=0, error=None, token=None, held=False)
    assert bench.dead() == []


@late
def test_an_ack_after_the_lease_ran_out_is_void_even_when_nobody_took_over(
    bench: Bench, method: Method, answer: Callable[[Any], object]
) -> None:
    first = LateTurn(bench, method, answer)
    bench.send("a", "b")
    first.begin()
    before = bench.row()
    bench.end_lease()
    first.finish()
    assert bench.row() == before
    assert bench.dead() == []


def test_the_same_process_takes_a_lost_partition_up_again(bench: Bench) -> None:
    seen: list[tuple[int, int]] = []

    def handler(msg: OutboxMessage) -> None:
        seen.append((msg.seq, msg.attempts))
        if len(seen) == 1:
            bench.end_lease()

    tuning = WorkerTuning.processor().batch_size(1)
    bench.on_threads(lambda queue: queue.leased(handler, tuning=tuning))
    bench.send("a", "b")
    eventually(lambda: bench.row() == Row(cursor=2, attempts=0, error=None, token=None, held=False))
    assert seen == [(1, 0), (1, 1), (2, 0)]
