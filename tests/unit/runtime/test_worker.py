from __future__ import annotations

import threading
import time

import pytest

from outbox.runtime import worker as worker_module
from outbox.runtime.directive import Directive, Idle, Proceed
from outbox.runtime.error_backoff import ErrorBackoff
from outbox.runtime.pacer import Pacer
from tests.unit.runtime.support import (
    PATIENCE,
    UNPACED,
    Script,
    Stuck,
    eventually,
    in_thread,
    make_worker,
    woken,
)


def test_a_worker_waits_for_its_first_wake_and_then_obeys() -> None:
    action, pacer = Script(Proceed(), Proceed(), Idle()), Pacer(UNPACED)
    worker = make_worker(action, pacer=pacer)
    worker.start()
    eventually(lambda: pacer.waiting)
    assert action.count == 0
    pacer.wake()
    assert [action.wait_for_round() for _ in range(3)] == [1, 2, 3]
    eventually(lambda: pacer.waiting)
    assert action.count == 3
    worker.stop()
    assert worker.join(PATIENCE)


def test_the_thread_is_a_named_daemon() -> None:
    action = Stuck()
    worker = woken(action, "outbox-orders-processor-2")
    worker.start()
    assert action.entered.wait(PATIENCE)
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "outbox-orders-processor-2"]
    assert thread.daemon
    assert worker.alive
    action.release.set()
    worker.stop()
    assert worker.join(PATIENCE)
    assert not worker.alive


@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_nothing_that_a_round_raises_ends_the_thread(error: BaseException) -> None:
    action, pacer = Script(error, Idle()), Pacer(UNPACED)
    worker = make_worker(action, pacer=pacer)
    pacer.wake()
    worker.start()
    assert [action.wait_for_round() for _ in range(2)] == [1, 2]
    eventually(lambda: worker.failures == 0)
    assert worker.alive
    assert worker.last_error is not None
    assert worker.last_error.startswith(type(error).__name__)
    worker.stop()
    assert worker.join(PATIENCE)


def test_a_failed_worker_comes_back_on_its_timer_without_a_wake_and_not_before() -> None:
    action, pacer = Script(ValueError(), Idle()), Pacer(UNPACED)
    worker = make_worker(action, pacer=pacer, error_backoff=ErrorBackoff(0.2, 0.2))
    pacer.wake()
    begun = time.monotonic()
    worker.start()
    action.wait_for_round()
    while action.rounds.empty():
        pacer.wake()
        time.sleep(0.002)
    assert time.monotonic() - begun >= 0.09  # the shortest delay is half of the base
    worker.stop()
    assert worker.join(PATIENCE)


def test_a_stop_ends_a_backoff_at_once() -> None:
    action, pacer = Script(ValueError()), Pacer(UNPACED)
    worker = make_worker(action, pacer=pacer, error_backoff=ErrorBackoff(3_600.0, 3_600.0))
    pacer.wake()
    worker.start()
    eventually(lambda: worker.failures == 1)
    worker.stop()
    assert worker.join(PATIENCE)
    assert action.count == 1


def test_failures_in_a_row_are_counted_and_told() -> None:
    told: list[tuple[object, ...]] = []
    ends: list[tuple[object, ...]] = []
    action, pacer = Script(*(ValueError(str(n)) for n in range(5))), Pacer(UNPACED)
    worker = make_worker(
        action,
        pacer=pacer,
        on_failure=lambda *args: told.append(args),
        on_recovery=lambda *args: ends.append(args),
    )
    pacer.wake()
    worker.start()
    assert [action.wait_for_round() for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    eventually(lambda: worker.failures == 0)
    assert [(name, str(error), failures) for name, error, failures, _ in told] == [
        ("outbox-test", str(n), n + 1) for n in range(5)
    ]
    eventually(lambda: len(ends) == 1)
    assert ends[0][:2] == ("outbox-test", 5)
    assert worker.last_error == "ValueError: 4"
    worker.stop()
    assert worker.join(PATIENCE)


def test_a_round_that_asked_nothing_is_no_recovery_before_some_seconds_have_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends: list[tuple[object, ...]] = []
    action, pacer = Script(ValueError("down"), Idle(looked=False), Idle(looked=False)), Pacer(UNPACED)
    worker = make_worker(action, pacer=pacer, on_recovery=lambda *args: ends.append(args))
    pacer.wake()
    worker.start()
    eventually(lambda: action.count == 2)
    assert (worker.failures, ends) == (1, [])
    monkeypatch.setattr(worker_module, "UNPROVEN_SECONDS", 0.0)
    pacer.wake()
    eventually(lambda: bool(ends))
    assert worker.failures == 0
    worker.stop()
    assert worker.join(PATIENCE)


def test_a_failing_listener_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def listener(*_: object) -> None:
        raise RuntimeError("the listener is broken")

    action, pacer = Script(ValueError()), Pacer(UNPACED)
    worker = make_worker(action, pacer=pacer, on_failure=listener)
    pacer.wake()
    worker.start()
    assert [action.wait_for_round() for _ in range(2)] == [1, 2]
    worker.stop()
    assert worker.join(PATIENCE)
    assert "the listener is broken" in caplog.text


def test_a_due_time_of_the_action_ends_the_wait() -> None:
    class Due(Script):
        def next_due(self) -> float | None:
            return time.monotonic() + 0.001

    action = Due()
    worker = make_worker(action)
    worker.start()
    assert [action.wait_for_round() for _ in range(3)] == [1, 2, 3]
    worker.stop()
    assert worker.join(PATIENCE)


def test_a_due_time_that_cannot_be_told_is_a_failure_like_any_other() -> None:
    class Broken(Script):
        def next_due(self) -> float | None:
            raise ValueError("no idea")

    worker = make_worker(Broken())
    worker.start()
    eventually(lambda: worker.failures >= 3)
    assert worker.alive
    worker.stop()
    assert worker.join(PATIENCE)


def test_busy_since_tells_when_the_round_began() -> None:
    action = Stuck()
    worker = woken(action)
    before = time.monotonic()
    worker.start()
    assert action.entered.wait(PATIENCE)
    since = worker.busy_since
    assert since is not None
    assert before <= since <= time.monotonic()
    action.release.set()
    eventually(lambda: worker.busy_since is None)
    worker.stop()
    assert worker.join(PATIENCE)


def test_a_join_has_its_budget_and_confesses() -> None:
    action = Stuck()
    worker = woken(action)
    worker.start()
    assert action.entered.wait(PATIENCE)
    worker.stop()
    assert worker.join(0.01) is False
    assert worker.join(-5.0) is False
    action.release.set()
    assert worker.join(PATIENCE) is True


def test_a_worker_that_joins_itself_is_told_no_instead_of_hanging() -> None:
    answers: list[bool] = []

    class SelfJoining:
        def run_once(self) -> Directive:
            worker.stop()
            answers.append(worker.join(PATIENCE))
            return Idle()

    pacer = Pacer(UNPACED)
    worker = make_worker(SelfJoining(), pacer=pacer)
    pacer.wake()
    worker.start()
    assert worker.join(PATIENCE)
    assert answers == [False]


def test_the_thread_closes_its_action_when_it_ends() -> None:
    action = Script()
    worker = make_worker(action)
    worker.start()
    worker.stop()
    assert worker.join(PATIENCE)
    assert action.closed.is_set()


def test_an_action_without_the_optional_methods_will_do() -> None:
    worker = make_worker(Stuck())
    worker.start()
    worker.stop()
    assert worker.join(PATIENCE)


def test_start_stop_and_join_take_any_order_and_repetition() -> None:
    worker = make_worker(Script())
    assert worker.join(0.0) is True
    worker.start()
    worker.start()
    worker.stop()
    worker.stop()
    assert worker.join(PATIENCE)
    worker.start()
    assert not worker.alive


def test_a_worker_started_twice_has_one_thread() -> None:
    worker = make_worker(Script(), name="outbox-once")
    worker.start()
    worker.start()
    assert [thread.name for thread in threading.enumerate()].count("outbox-once") == 1
    worker.stop()
    assert worker.join(PATIENCE)


def test_a_worker_stopped_first_is_never_started() -> None:
    action = Script()
    worker = make_worker(action)
    worker.stop()
    worker.start()
    assert not worker.alive
    assert worker.join(0.0) is True
    assert not action.closed.is_set()


def test_starting_and_stopping_at_once_leaves_no_thread() -> None:
    for _ in range(50):
        worker = make_worker(Script(), name="outbox-race")
        threads = [in_thread(worker.start), in_thread(worker.stop), in_thread(worker.start)]
        for thread in threads:
            thread.join(PATIENCE)
        assert worker.join(PATIENCE)
    assert not [thread for thread in threading.enumerate() if thread.name == "outbox-race"]
