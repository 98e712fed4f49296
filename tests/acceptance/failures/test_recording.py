"""What the processors tell a tracker."""

from __future__ import annotations

import threading
from typing import Any, NoReturn

import pytest

from outbox import (
    Batch,
    FailureKey,
    InMemoryFailureTracker,
    OutboxMessage,
    Reject,
    Retry,
    SqlFailureTracker,
)
from tests.acceptance.bench import Bench
from tests.acceptance.failures.support import Ward, guarded
from tests.support import eventually

modes = pytest.mark.parametrize("mode", ["leased", "transactional"])


class Spy(InMemoryFailureTracker):
    """Remembers every call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, int]] = []

    def record_failure(self, key: FailureKey, error: object) -> int:
        self.calls.append(("failure", key.seq))
        return super().record_failure(key, error)

    def record_success(self, key: FailureKey) -> None:
        self.calls.append(("success", key.seq))
        super().record_success(key)


@modes
def test_a_failure_is_recorded_and_a_later_success_clears_it(bench: Bench, mode: str) -> None:
    def handler(msg: OutboxMessage) -> None:
        if msg.json() == "bad" and msg.attempts < 2:
            raise ValueError("not yet")

    spy = Spy()
    ward = Ward(bench, handler, spy, mode=mode)
    bench.send("a", "bad", "c")
    ward.work()
    assert ward.told() == [(2, 1)]
    ward.work()
    assert ward.told() == [(2, 2)]
    ward.work()
    assert ward.told() == []
    # Of the others nothing is told at all.
    assert spy.calls == [("failure", 2), ("failure", 2), ("success", 2)]


@modes
def test_a_failure_that_does_not_count_is_not_recorded(bench: Bench, mode: str) -> None:
    ward = Ward(bench, lambda _msg: Retry("downstream is away", counts=False), mode=mode)
    bench.send("a")
    ward.work(6)
    assert ward.told() == []
    ward.sweep()
    assert bench.dead() == []


@modes
def test_a_message_that_is_rejected_after_failures_is_cleared(bench: Bench, mode: str) -> None:
    ward = Ward(bench, lambda msg: Reject("enough") if msg.attempts else Retry("once"), mode=mode)
    bench.send("a")
    ward.work(2)
    assert ward.told() == []
    assert [letter.reason for letter in bench.dead()] == ["enough"]


def test_the_reason_is_the_handlers(bench: Bench) -> None:
    def handler(_msg: OutboxMessage) -> None:
        raise ValueError("bad lines")

    ward = Ward(bench, handler)
    bench.send("a")
    ward.work()
    assert ward.told() == [(1, 1)]
    assert [entry.last_error for entry in ward.tracker.drain_exceeded(1)] == ["ValueError: bad lines"]


def test_a_batch_that_names_nobody_charges_a_message_only_when_it_is_alone(bench: Bench) -> None:
    def handler(batch: Batch) -> None:
        for msg in batch:
            if msg.json() == "bad":
                raise ValueError("one of these is bad")

    spy = Spy()
    hands = bench.by_hand(lambda queue: queue.leased_batch(handler).quarantine(spy, threshold=3))
    bench.send("a", "b", "bad", "c")
    for _ in range(12):
        hands.work()
        bench.end_backoff()
    assert hands.pipeline.recorder is not None
    hands.pipeline.recorder.flush()
    assert {seq for what, seq in spy.calls if what == "failure"} == {3}


def test_another_process_that_delivers_the_message_clears_it(bench: Bench) -> None:
    with SqlFailureTracker(bench.database.url) as tracker:
        failing = Ward(bench, lambda _msg: Retry("not here"), tracker)
        bench.send("a")
        failing.work(2)
        assert failing.told() == [(1, 2)]
        other = Ward(bench, lambda _msg: None, tracker)
        other.work()
        assert other.told() == []


def test_a_failure_under_a_lost_lease_is_not_recorded(bench: Bench) -> None:
    began, go_on = threading.Event(), threading.Event()
    tracker = InMemoryFailureTracker()

    def handler(_msg: OutboxMessage) -> Retry:
        began.set()
        assert go_on.wait(20)
        return Retry("too late")

    hands = bench.by_hand(lambda queue: queue.leased(handler).quarantine(tracker, threshold=1))
    bench.send("a")
    turn = threading.Thread(target=hands.turn)
    turn.start()
    assert began.wait(10)
    bench.end_lease()
    go_on.set()
    turn.join()
    assert hands.pipeline.recorder is not None
    hands.pipeline.recorder.flush()
    assert tracker.drain_exceeded(1) == []


class Broken(InMemoryFailureTracker):
    """Raises whatever it is asked."""

    def break_down(self, *_: Any) -> NoReturn:
        raise RuntimeError("the tracker is broken")

    record_failure = record_success = drain_exceeded = restore = break_down  # type: ignore[assignment]


@modes
def test_a_tracker_that_raises_does_not_stop_delivery(
    bench: Bench, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> Retry | None:
        seen.append(msg.seq)
        return Retry("once", delay=0.01) if msg.attempts == 0 else None

    handle = bench.on_threads(guarded(handler, Broken(), mode=mode))
    bench.send(*range(6))
    eventually(lambda: bench.row().cursor == 6)
    assert seen == [seq for seq in range(1, 7) for _ in range(2)]
    eventually(lambda: "sweep failed" in caplog.text)
    assert handle.healthy()
    assert handle.stop(20)
    lines = [record for record in caplog.records if record.name == "outbox.workers.quarantine"]
    assert 1 <= len(lines) <= 2, "one line a minute for each of the two things that fail"
    assert "outbox.workers" not in {record.name for record in caplog.records}, "the thread failed, too"
