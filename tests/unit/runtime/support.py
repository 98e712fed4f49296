"""A clock that stands still, actions that tell what happened, and a pacing for tests that are woken by hand."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from outbox.runtime.directive import Directive, Idle
from outbox.runtime.error_backoff import ErrorBackoff
from outbox.runtime.pacer import Pacer
from outbox.runtime.pacing import Pacing
from outbox.runtime.ready_queue import ReadyQueue
from outbox.runtime.worker import Action, Worker, nothing

PATIENCE = 10.0
"""Seconds after which a fact that did not come is a failure."""

UNPACED = Pacing(min_interval=0.0, active_interval=0.0, idle_interval=3_600.0, ramp_step=0.0)
"""Without a pause between rounds, and without a poll that could hide a lost wake."""

logger = logging.getLogger("test.runtime")


class FakeClock:
    """A clock that a test moves by hand."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Contents(NamedTuple):
    """The keys of a queue that are not idle: ready (oldest first), claimed, and deferred with their due times."""

    ready: tuple[int, ...]
    claimed: frozenset[int]
    deferred: dict[int, float]


def contents(queue: ReadyQueue) -> Contents:
    """Look into a queue."""
    with queue._lock:
        return Contents(tuple(queue._lanes), frozenset(queue._claimed), dict(queue._deferrals._due))


class Script:
    """An action that reports each round's number and plays back directives and exceptions; Idle when they run out."""

    def __init__(self, *steps: Directive | BaseException) -> None:
        self.steps = list(steps)
        self.rounds: queue.Queue[int] = queue.Queue()
        self.count = 0
        self.closed = threading.Event()

    def run_once(self) -> Directive:
        step = self.steps.pop(0) if self.steps else Idle()
        self.count += 1
        self.rounds.put(self.count)
        if isinstance(step, BaseException):
            raise step
        return step

    def close(self) -> None:
        self.closed.set()

    def wait_for_round(self) -> int:
        return self.rounds.get(timeout=PATIENCE)


class Stuck:
    """An action whose round lasts until it is released."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.release = threading.Event()

    def run_once(self) -> Directive:
        self.entered.set()
        self.release.wait(PATIENCE)
        return Idle()


def make_worker(
    action: Action,
    *,
    name: str = "outbox-test",
    pacer: Pacer | None = None,
    error_backoff: ErrorBackoff | None = None,
    on_failure: Callable[[str, BaseException, int, float], object] | None = None,
    on_recovery: Callable[[str, int, float], object] | None = None,
) -> Worker:
    return Worker(
        name,
        action,
        pacer or Pacer(UNPACED),
        error_backoff or ErrorBackoff(0.001, 0.002),
        logger=logger,
        on_failure=on_failure or nothing,
        on_recovery=on_recovery or nothing,
    )


def woken(action: Action, name: str = "outbox-test", error_backoff: ErrorBackoff | None = None) -> Worker:
    """Return a worker that looks at once when it is started."""
    pacer = Pacer(UNPACED)
    pacer.wake()
    return make_worker(action, name=name, pacer=pacer, error_backoff=error_backoff)


def eventually(fact: Callable[[], bool]) -> None:
    """Wait for a fact that announces itself in no other way."""
    deadline = time.monotonic() + PATIENCE
    while not fact():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.001)


def in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call, name="test-helper", daemon=True)
    thread.start()
    return thread
