from __future__ import annotations

from outbox.runtime.ready_queue import ReadyQueue
from outbox.values.worker_tuning import WorkerTuning
from outbox.workers.consumer import Consumer
from outbox.workers.patience import SHARE_SECONDS, Fairness


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def two_queues() -> tuple[Hand, ReadyQueue, Fairness, Consumer]:
    clock = Hand()
    slow, quick = (
        Consumer(name, ids, WorkerTuning.processor()) for name, ids in (("slow", (1, 2)), ("quick", (3,)))
    )
    ready = ReadyQueue(clock=clock)
    fairness = Fairness(ready, {1: slow, 2: slow, 3: quick}, clock=clock)
    return clock, ready, fairness, slow


def test_a_turn_ends_when_another_queue_has_waited_for_its_share() -> None:
    clock, ready, fairness, slow = two_queues()
    patience = fairness.begin(slow)
    ready.mark([3])
    clock.now += 60  # the time that reading took does not count: one message at least is handled
    assert not patience()
    clock.now += SHARE_SECONDS / 2
    assert not patience()
    clock.now += SHARE_SECONDS / 2
    assert patience()
    ready.claim()
    assert patience()  # once over, it stays so


def test_partitions_of_the_same_queue_end_no_turn() -> None:
    clock, ready, fairness, slow = two_queues()
    patience = fairness.begin(slow)
    ready.mark([2])
    assert not patience()
    clock.now += 60
    assert not patience()


def test_a_retry_of_another_queue_that_has_fallen_due_ends_a_turn() -> None:
    clock, ready, fairness, slow = two_queues()
    ready.mark([3])
    ready.claim()
    ready.defer(3, delay=5)
    patience = fairness.begin(slow)
    assert not patience()
    clock.now += 4.9
    assert not patience()
    clock.now += 0.2
    assert patience()
