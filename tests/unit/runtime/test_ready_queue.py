from __future__ import annotations

import pytest

from outbox.runtime.ready_queue import ReadyQueue
from tests.unit.runtime.support import FakeClock, contents


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(0.0)


@pytest.fixture
def queue(clock: FakeClock) -> ReadyQueue:
    return ReadyQueue(clock=clock)


def heard(queue: ReadyQueue) -> list[int]:
    """Return the list of the counts that a subscriber is told from now on."""
    counts: list[int] = []
    queue.subscribe(counts.append)
    return counts


def test_marked_keys_are_claimed_oldest_first_and_once(queue: ReadyQueue) -> None:
    queue.mark([5, 3])
    queue.mark([3, 9, 5])
    assert queue.claim(2) == [5, 3]
    assert queue.claim(2) == [9]
    assert queue.claim(2) == []


def test_a_key_marked_while_claimed_is_ready_again_when_done_and_not_before(queue: ReadyQueue) -> None:
    queue.mark([1])
    queue.claim()
    queue.mark([1, 2])
    assert queue.claim(9) == [2]
    queue.done([1])
    assert queue.claim(9) == [1]
    queue.done([1])
    assert queue.claim(9) == []


def test_a_key_given_back_with_more_work_goes_to_the_tail(queue: ReadyQueue) -> None:
    queue.mark([1, 2])
    assert queue.claim() == [1]
    queue.again([1])
    assert queue.claim(9) == [2, 1]


def test_a_deferred_key_is_left_alone_until_it_is_due(queue: ReadyQueue, clock: FakeClock) -> None:
    queue.mark([1])
    queue.claim()
    queue.defer(1, 5.0)
    assert queue.next_due() == 5.0
    queue.mark([1])
    clock.advance(4.9)
    assert queue.claim() == []
    clock.advance(0.1)
    assert queue.claim() == [1]
    assert queue.next_due() is None


def test_a_signal_during_the_round_does_not_shorten_its_backoff(queue: ReadyQueue, clock: FakeClock) -> None:
    queue.mark([1])
    queue.claim()
    queue.mark([1])
    queue.defer(1, 5.0)
    assert queue.claim() == []
    clock.advance(5.0)
    assert queue.claim() == [1]


def test_the_authority_ends_a_deferral_at_once(queue: ReadyQueue, clock: FakeClock) -> None:
    queue.mark([1])
    queue.claim()
    queue.defer(1, 5.0)
    queue.mark_due([1])
    assert queue.next_due() is None
    assert queue.claim() == [1]
    clock.advance(10.0)
    queue.done([1])
    assert queue.claim() == []


def test_due_keys_queue_up_behind_those_that_were_ready(queue: ReadyQueue, clock: FakeClock) -> None:
    queue.mark([1])
    queue.claim()
    queue.defer(1, 1.0)
    queue.mark([2])
    clock.advance(2.0)
    assert queue.claim(9) == [2, 1]


def test_a_claim_stays_within_one_group_and_the_oldest_group_goes_first(clock: FakeClock) -> None:
    queue = ReadyQueue(lambda key: key // 10, clock=clock)
    queue.mark([10, 20, 11, 21, 12])
    assert queue.claim(2) == [10, 11]
    assert queue.claim(9) == [20, 21]
    assert queue.claim(9) == [12]


def test_a_stranger_cannot_be_given_back_but_its_neighbours_are(queue: ReadyQueue) -> None:
    queue.mark([1, 2])
    queue.claim(2)
    with pytest.raises(ValueError, match=r"not claimed: \[7\]"):
        queue.again([1, 7, 2])
    assert queue.claim(2) == [1, 2]
    with pytest.raises(ValueError, match="7"):
        queue.defer(7, 1.0)


def test_every_key_that_is_not_idle_is_ready_claimed_or_deferred(queue: ReadyQueue) -> None:
    queue.mark([1, 2, 3, 4])
    queue.claim(2)
    queue.defer(1, 5.0)
    snapshot = contents(queue)
    assert snapshot.ready == (3, 4)
    assert snapshot.claimed == {2}
    assert snapshot.deferred == {1: 5.0}
    assert (queue.ready_count, queue.claimed_count) == (2, 1)


def test_subscribers_hear_how_many_keys_became_ready(queue: ReadyQueue) -> None:
    counts = heard(queue)
    queue.mark([1, 2, 3])
    queue.mark([1, 2])
    assert counts == [3]
    queue.claim(2)
    queue.mark([1])
    assert counts == [3]
    queue.done([1, 2])
    assert counts == [3, 1]
    queue.claim(9)
    queue.again([1, 3])
    assert counts == [3, 1, 2]


def test_the_authority_announces_a_ready_key_once_more(queue: ReadyQueue) -> None:
    queue.mark([1])
    counts = heard(queue)
    queue.mark_due([1])
    assert counts == [1]


def test_sleepers_hear_of_a_deferral_that_ends_before_all_others(queue: ReadyQueue) -> None:
    queue.mark([1, 2, 3])
    queue.claim(3)
    counts = heard(queue)
    queue.defer(1, 10.0)
    assert counts == [1]
    queue.defer(2, 20.0)
    assert counts == [1]
    queue.defer(3, 5.0)
    assert counts == [1, 1]


def test_keys_that_fall_due_together_and_are_not_all_taken_are_announced(
    queue: ReadyQueue, clock: FakeClock
) -> None:
    queue.mark([1, 2, 3])
    for key in queue.claim(3):
        queue.defer(key, 5.0)
    counts = heard(queue)
    clock.advance(5.0)
    assert queue.claim(1) == [1]
    assert counts == [2]


def test_a_subscriber_may_use_the_queue_because_it_is_called_outside_the_lock(queue: ReadyQueue) -> None:
    claimed: list[int] = []
    queue.subscribe(lambda n: claimed.extend(queue.claim(n)))
    queue.mark([1, 2])
    assert claimed == [1, 2]
