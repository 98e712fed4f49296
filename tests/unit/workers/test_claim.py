from __future__ import annotations

import threading

import pytest

from outbox.runtime.ready_queue import ReadyQueue
from outbox.workers.claim import LOCKED_DELAY, Claim
from tests.unit.runtime.support import contents


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ready() -> ReadyQueue:
    """A queue with three ready keys and a clock that stands still."""
    queue = ReadyQueue(clock=Clock())
    queue.mark((1, 2, 3))
    return queue


def test_what_is_left_at_the_end_is_ready_again(ready: ReadyQueue) -> None:
    with Claim(ready, ready.claim(3)) as claim:
        claim.done((2,))
    assert sorted(contents(ready).ready) == [1, 3]
    assert ready.claimed_count == 0


def test_an_exception_gives_everything_back(ready: ReadyQueue) -> None:
    with pytest.raises(ZeroDivisionError), Claim(ready, ready.claim(3)):
        raise ZeroDivisionError
    assert sorted(contents(ready).ready) == [1, 2, 3]


def test_a_key_is_given_back_once_however_often_it_is_tried(ready: ReadyQueue) -> None:
    with Claim(ready, ready.claim(3)) as claim:
        claim.done((1, 2, 3))
        claim.again((1, 2, 3))
        claim.defer(1, 5.0)
        claim.locked(2)
        assert len(claim) == 0
    snapshot = contents(ready)
    assert (snapshot.ready, snapshot.claimed, snapshot.deferred) == ((), frozenset(), {})


def test_keys_that_were_never_claimed_are_ignored(ready: ReadyQueue) -> None:
    with Claim(ready, ready.claim(1)) as claim:
        claim.done((2, 7))
        claim.defer(8, 1.0)
        assert len(claim) == 1


def test_a_deferred_key_rests_for_its_delay(ready: ReadyQueue) -> None:
    with Claim(ready, ready.claim(1)) as claim:
        claim.defer(1, 5.0)
    assert contents(ready).deferred == {1: 105.0}


def test_a_locked_key_comes_back_soon_behind_the_others_and_not_at_once(ready: ReadyQueue) -> None:
    delays = set()
    for _ in range(50):
        (key,) = ready.claim(1)
        with Claim(ready, [key]) as claim:
            claim.locked(key)
        delays.add(contents(ready).deferred[key] - 100.0)
        ready.mark_due((key,))
    assert min(delays) >= LOCKED_DELAY / 2
    assert max(delays) <= LOCKED_DELAY * 1.5
    assert len(delays) > 40


def test_two_threads_that_give_back_the_same_keys_share_them_out(ready: ReadyQueue) -> None:
    ready.mark(range(4, 500))
    keys = ready.claim(500)
    start = threading.Barrier(2)
    with Claim(ready, keys) as claim:

        def give_back() -> None:
            start.wait()
            for key in keys:
                claim.done((key,))

        threads = [threading.Thread(target=give_back) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ready.claimed_count == 0
    assert ready.ready_count == 0
