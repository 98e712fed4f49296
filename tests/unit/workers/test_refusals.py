from __future__ import annotations

import logging

import pytest

from outbox.backends.records import Refusal, RefusalKind
from outbox.runtime.observers import Observers
from outbox.runtime.ready_queue import ReadyQueue
from outbox.workers.claim import LOCKED_DELAY, LOCKED_DOUBLINGS, Claim
from outbox.workers.log_lines import LogLines
from outbox.workers.partition_state import PartitionStates
from outbox.workers.refusals import MISSING_DELAY, REPORT_FIRST, refused
from tests.unit.runtime.support import contents
from tests.unit.workers.support import PARTITION_ID, make_consumer

KEY = PARTITION_ID


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ready() -> ReadyQueue:
    """A queue whose clock stands still, with one ready key."""
    queue = ReadyQueue(clock=Clock())
    queue.mark((KEY,))
    return queue


def logged() -> Observers:
    lines = LogLines()
    return Observers(chosen=[(lines, lines.kinds)])


def refuse(
    ready: ReadyQueue, states: PartitionStates, kind: RefusalKind, observers: Observers | None = None
) -> None:
    with Claim(ready, ready.claim(1)) as claim:
        refused(Refusal(KEY, kind, cursor=4), make_consumer(), claim, states, observers or Observers())


def test_a_suspect_comes_back_at_once_to_be_asked_for_alone(ready: ReadyQueue) -> None:
    states = PartitionStates()
    refuse(ready, states, RefusalKind.ISOLATE)
    assert states[KEY].isolate
    assert states[KEY].crashed
    assert list(contents(ready).ready) == [KEY]


def test_a_suspect_refused_when_it_was_asked_for_alone_is_locked_and_waits(ready: ReadyQueue) -> None:
    states = PartitionStates()
    refuse(ready, states, RefusalKind.ISOLATE)
    refuse(ready, states, RefusalKind.ISOLATE)
    snapshot = contents(ready)
    assert list(snapshot.ready) == []
    assert 100.0 + LOCKED_DELAY / 2 <= snapshot.deferred[KEY] <= 100.0 + LOCKED_DELAY * 1.5


def test_the_longer_a_row_stays_locked_the_more_seldom_it_is_asked_for(ready: ReadyQueue) -> None:
    states = PartitionStates()
    waits = []
    for _ in range(LOCKED_DOUBLINGS + 4):
        refuse(ready, states, RefusalKind.LOCKED)
        waits.append(contents(ready).deferred[KEY] - 100.0)
        ready.mark_due((KEY,))
    longest = LOCKED_DELAY * 2**LOCKED_DOUBLINGS
    assert waits[0] <= LOCKED_DELAY * 1.5
    assert all(longest / 2 <= wait <= longest * 1.5 for wait in waits[LOCKED_DOUBLINGS:])

    refuse(ready, states, RefusalKind.HELD)
    ready.mark_due((KEY,))
    refuse(ready, states, RefusalKind.LOCKED)
    assert contents(ready).deferred[KEY] - 100.0 <= LOCKED_DELAY * 1.5


def test_a_partition_that_stays_out_of_reach_is_reported_and_not_at_every_try(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    queue = ReadyQueue(clock=clock)
    queue.mark((KEY,))
    states = PartitionStates()
    observers = logged()
    with caplog.at_level(logging.WARNING):
        for _ in range(REPORT_FIRST * 2):
            clock.now += 60
            refuse(queue, states, RefusalKind.LOCKED, observers)
    (record,) = caplog.records
    assert f"partition 0 (id {KEY}) was refused {REPORT_FIRST} times" in record.getMessage()


def test_a_partition_whose_next_message_is_missing_is_reported_at_once_and_left_alone(
    ready: ReadyQueue, caplog: pytest.LogCaptureFixture
) -> None:
    states = PartitionStates()
    observers = logged()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            refuse(ready, states, RefusalKind.MISSING, observers)
            assert contents(ready).deferred[KEY] == 100.0 + MISSING_DELAY
            ready.mark_due((KEY,))
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "message 5 has been deleted" in record.getMessage()
