from __future__ import annotations

import math
import threading
import time

import pytest

from outbox.runtime.directive import Directive, Idle, Proceed, Sleep
from outbox.runtime.pacer import Pacer
from outbox.runtime.pacing import Pacing
from tests.unit.runtime.support import PATIENCE, UNPACED, eventually, in_thread


def returns_at_once(pacer: Pacer, directive: Directive) -> bool:
    waiter = in_thread(lambda: pacer.wait(directive))
    waiter.join(PATIENCE)
    return not waiter.is_alive()


@pytest.mark.parametrize("directive", [Idle(), Sleep(3_600.0)])
def test_a_wake_ends_an_idle_and_a_sleep(directive: Directive) -> None:
    pacer = Pacer(UNPACED)
    waiter = in_thread(lambda: pacer.wait(directive))
    eventually(lambda: pacer.waiting)
    assert pacer.wake() is True
    assert not pacer.waiting
    waiter.join(PATIENCE)
    assert not waiter.is_alive()


def test_a_wake_before_the_wait_ends_it_before_it_begins() -> None:
    pacer = Pacer(UNPACED)
    assert pacer.wake() is False
    assert returns_at_once(pacer, Idle())


def test_many_wakes_leave_one_permit() -> None:
    pacer = Pacer(UNPACED)
    for _ in range(100):
        pacer.wake()
    assert returns_at_once(pacer, Idle())
    begun = time.monotonic()
    pacer.wait(Sleep(0.02))
    assert time.monotonic() - begun >= 0.02


def test_a_wake_does_not_cut_a_pace_short() -> None:
    pacer = Pacer(UNPACED)
    ended = threading.Event()
    begun = time.monotonic()

    def pace() -> None:
        pacer.wait(Proceed(pause=0.1))
        ended.set()

    in_thread(pace)
    while not ended.is_set():
        assert pacer.wake() is False
        assert not pacer.waiting
        ended.wait(0.001)
    assert time.monotonic() - begun >= 0.1


def test_the_end_of_a_pace_takes_the_permit_because_a_look_follows() -> None:
    pacer = Pacer(UNPACED)
    pacer.wake()
    pacer.wait(Proceed(pause=0))
    begun = time.monotonic()
    pacer.wait(Sleep(0.02))
    assert time.monotonic() - begun >= 0.02


def test_a_wake_during_the_round_ends_the_next_wait() -> None:
    pacer = Pacer(UNPACED)
    pacer.wake()
    assert returns_at_once(pacer, Idle())
    pacer.wake()  # the worker looks for work at this moment
    assert returns_at_once(pacer, Idle())


def test_a_due_time_bounds_an_idle_wait() -> None:
    pacer = Pacer(UNPACED)
    begun = time.monotonic()
    pacer.wait(Idle(), until=begun + 0.02)
    assert 0.02 <= time.monotonic() - begun < PATIENCE


def test_a_due_time_in_the_past_is_no_wait() -> None:
    pacer = Pacer(UNPACED)
    begun = time.monotonic()
    pacer.wait(Sleep(3_600.0), until=begun - 1.0)
    assert time.monotonic() - begun < PATIENCE


def test_a_due_time_does_not_cut_a_pace_short() -> None:
    pacer = Pacer(UNPACED)
    begun = time.monotonic()
    pacer.wait(Proceed(pause=0.02), until=begun)
    assert time.monotonic() - begun >= 0.02


@pytest.mark.parametrize("directive", [Idle(), Sleep(3_600.0), Proceed(pause=3_600.0)])
def test_a_stop_ends_every_wait_and_all_later_ones(directive: Directive) -> None:
    pacer = Pacer(UNPACED)
    waiter = in_thread(lambda: pacer.wait(directive))
    pacer.stop()
    waiter.join(PATIENCE)
    assert not waiter.is_alive()
    assert pacer.stopping
    assert returns_at_once(pacer, directive)


def test_an_infinite_idle_interval_can_be_waited_for() -> None:
    pacer = Pacer(Pacing(0.0, 0.0, math.inf, 0.0))
    waiter = in_thread(lambda: pacer.wait(Idle()))
    eventually(lambda: pacer.waiting)
    pacer.wake()
    waiter.join(PATIENCE)
    assert not waiter.is_alive()


def test_a_wake_into_a_sleeping_worker_counts_once() -> None:
    pacer = Pacer(UNPACED)
    waiter = in_thread(lambda: pacer.wait(Idle()))
    eventually(lambda: pacer.waiting)
    assert [pacer.wake() for _ in range(3)].count(True) == 1
    waiter.join(PATIENCE)


def test_no_wake_is_lost_between_many_producers_and_one_worker() -> None:
    pacer = Pacer(UNPACED)
    total = 4 * 2_000
    published: list[int] = []
    seen = 0

    def produce() -> None:
        for item in range(2_000):
            published.append(item)
            pacer.wake()

    def work() -> None:
        nonlocal seen
        while seen < total:
            pacer.wait(Idle())
            seen = len(published)

    worker = in_thread(work)
    producers = [in_thread(produce) for _ in range(4)]
    for thread in (*producers, worker):
        thread.join(PATIENCE)
    assert seen == total
