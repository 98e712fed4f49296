from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from outbox.runtime.directive import Proceed
from outbox.runtime.error_backoff import ErrorBackoff
from outbox.runtime.supervisor import Supervisor
from tests.unit.runtime.support import (
    PATIENCE,
    Script,
    Stuck,
    eventually,
    in_thread,
    make_worker,
    woken,
)


def alive(prefix: str) -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(prefix)]


def test_all_workers_run_and_all_end() -> None:
    actions = [Script() for _ in range(5)]
    supervisor = Supervisor([woken(action, f"outbox-all-{n}") for n, action in enumerate(actions)])
    supervisor.start()
    for action in actions:
        assert action.wait_for_round() == 1
    assert supervisor.healthy()
    assert supervisor.stop(PATIENCE) is True
    assert not alive("outbox-all-")
    assert supervisor.stragglers() == []


def test_start_and_stop_take_any_order_and_repetition() -> None:
    supervisor = Supervisor([make_worker(Script()) for _ in range(3)])
    supervisor.start()
    supervisor.start()
    assert supervisor.stop(PATIENCE) is True
    assert supervisor.stop(PATIENCE) is True
    supervisor.start()
    assert not any(worker.alive for worker in supervisor.workers)
    never = Supervisor([make_worker(Script())])
    assert never.stop(PATIENCE) is True
    never.start()
    assert not never.workers[0].alive


def test_the_budget_is_shared_and_stragglers_are_named(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "outbox.runtime")
    actions = [Stuck() for _ in range(4)]
    supervisor = Supervisor([woken(action, f"outbox-stuck-{n}") for n, action in enumerate(actions)])
    supervisor.start()
    for action in actions:
        assert action.entered.wait(PATIENCE)
    actions[2].release.set()
    begun = time.monotonic()
    assert supervisor.stop(1.0) is False
    assert 1.0 <= time.monotonic() - begun < 1.0 * 3  # not 1.0 for each of them
    stragglers = supervisor.stragglers()
    assert [name for name, _ in stragglers] == ["outbox-stuck-0", "outbox-stuck-1", "outbox-stuck-3"]
    assert all(busy_for >= 1.0 for _, busy_for in stragglers)
    assert "outbox-stuck-0 has not stopped within 1.0 s" in caplog.text
    for action in actions:
        action.release.set()
    assert supervisor.stop(PATIENCE) is True
    assert supervisor.stragglers() == []


def test_every_worker_is_told_before_any_is_waited_for() -> None:
    actions = [Stuck() for _ in range(2)]
    supervisor = Supervisor([woken(action) for action in actions])
    supervisor.start()
    for action in actions:
        assert action.entered.wait(PATIENCE)
    stopping = in_thread(lambda: supervisor.stop(PATIENCE))
    # The last worker can end only if it was told while the first one still holds up the join.
    actions[1].release.set()
    eventually(lambda: not supervisor.workers[1].alive)
    assert supervisor.workers[0].alive
    actions[0].release.set()
    stopping.join(PATIENCE)


def test_a_start_that_fails_midway_stops_what_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = [make_worker(Script(), name=f"outbox-half-{n}") for n in range(4)]

    def refuse() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(workers[2], "start", refuse)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        Supervisor(workers).start()
    assert not alive("outbox-half-")


def test_three_failures_in_a_row_are_unhealthy_and_a_success_heals() -> None:
    failing = Script(*(ValueError() for _ in range(3)))
    error_backoff = ErrorBackoff(0.001, 0.001)
    supervisor = Supervisor([make_worker(Script()), woken(failing, error_backoff=error_backoff)])
    supervisor.start()
    assert supervisor.healthy()
    while failing.wait_for_round() < 4:
        pass
    eventually(supervisor.healthy)
    assert supervisor.stop(PATIENCE)


@pytest.mark.parametrize(("failures", "healthy"), [(2, True), (3, False)])
def test_health_tips_at_the_third_failure(failures: int, healthy: bool) -> None:
    error_backoff = ErrorBackoff(1.0, 1.0)
    supervisor = Supervisor([make_worker(Script(), error_backoff=error_backoff)])
    supervisor.start()
    for _ in range(failures):
        error_backoff.failed()
    assert supervisor.healthy() is healthy
    assert supervisor.stop(PATIENCE)


def test_a_dead_thread_is_unhealthy() -> None:
    supervisor = Supervisor([make_worker(Script()), make_worker(Script())])
    assert not supervisor.healthy()
    supervisor.start()
    assert supervisor.healthy()
    supervisor.workers[1].stop()
    assert supervisor.workers[1].join(PATIENCE)
    assert not supervisor.healthy()
    assert supervisor.stop(PATIENCE)


def test_fifty_starts_and_stops_leak_no_thread() -> None:
    for _ in range(50):
        busy = Script(*(Proceed() for _ in range(5)))
        supervisor = Supervisor(
            [
                woken(busy, "outbox-leak-0"),
                *(make_worker(Script(), name=f"outbox-leak-{n}") for n in (1, 2, 3)),
            ]
        )
        supervisor.start()
        assert supervisor.stop(PATIENCE) is True
    assert not alive("outbox-leak-")


def test_starting_and_stopping_from_many_threads_at_once_ends_in_silence() -> None:
    for _ in range(30):
        supervisor = Supervisor([make_worker(Script(), name=f"outbox-storm-{n}") for n in range(3)])
        stop = partial(supervisor.stop, PATIENCE)
        calls: list[Callable[[], object]] = [supervisor.start, stop, supervisor.start, stop]
        threads = [in_thread(call) for call in calls]
        for thread in threads:
            thread.join(PATIENCE)
        assert supervisor.stop(PATIENCE) is True
    assert not alive("outbox-storm-")


def test_who_is_needed_to_the_end_is_stopped_after_the_others(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "outbox.runtime")
    stuck, needed = Stuck(), Script(*[Proceed(pause=0.001)] * 100_000)
    supervisor = Supervisor([woken(stuck, "outbox-stuck")], stop_last=[woken(needed, "outbox-needed")])
    supervisor.start()
    assert stuck.entered.wait(PATIENCE)
    assert supervisor.stop(0.1) is False
    assert [name for name, _ in supervisor.stragglers()] == ["outbox-stuck"]
    assert "outbox-needed" not in caplog.text
    seen = needed.count
    eventually(lambda: needed.count > seen)
    stuck.release.set()
    assert supervisor.stop(PATIENCE) is True
    assert not alive("outbox-needed")
    assert needed.closed.is_set()


def test_who_is_needed_to_the_end_is_given_a_moment_when_the_others_took_all_the_time() -> None:
    needed = Script()
    supervisor = Supervisor([woken(Script())], stop_last=[woken(needed)])
    supervisor.start()
    supervisor.announce_stop()
    assert supervisor.workers[0].join(PATIENCE)
    assert supervisor.stop(0.0) is True
