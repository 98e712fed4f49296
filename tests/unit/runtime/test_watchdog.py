"""Rounds that do not come to an end."""

from __future__ import annotations

import pytest

from outbox.runtime.supervisor import Supervisor
from outbox.runtime.watchdog import TOO_LONG, Watchdog
from tests.unit.runtime.support import PATIENCE, FakeClock, Stuck, eventually, woken


def test_a_round_that_takes_too_long_is_said_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    action = Stuck()
    worker = woken(action, "outbox-stuck")
    supervisor = Supervisor([worker])
    supervisor.start()
    eventually(lambda: worker.busy_since is not None)
    clock = FakeClock(worker.busy_since or 0.0)
    dog = Watchdog([worker], clock=clock)
    clock.advance(TOO_LONG - 0.1)
    dog.run_once()
    assert list(dog.stuck) == []
    assert not caplog.text
    clock.advance(0.2)
    for _ in range(3):
        dog.run_once()
    assert list(dog.stuck) == ["outbox-stuck"]
    assert caplog.text.count("outbox-stuck has been in one round for 8 s") == 1
    action.release.set()
    eventually(lambda: worker.busy_since is None)
    dog.run_once()
    dog.run_once()
    assert list(dog.stuck) == []
    assert caplog.text.count("outbox-stuck goes on") == 1
    assert supervisor.stop(PATIENCE)


def test_a_process_with_a_worker_that_is_stuck_is_not_healthy() -> None:
    action = Stuck()
    worker = woken(action, "outbox-stuck")
    clock = FakeClock()
    dog = Watchdog([worker], clock=clock)
    supervisor = Supervisor([worker], watchdog=dog)
    supervisor.start()
    eventually(lambda: worker.busy_since is not None)
    clock.advance((worker.busy_since or 0.0) - clock())
    assert supervisor.healthy()
    clock.advance(TOO_LONG)
    assert not supervisor.healthy()
    action.release.set()
    assert supervisor.stop(PATIENCE)
