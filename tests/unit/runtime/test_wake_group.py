from __future__ import annotations

import threading
from functools import partial

import pytest

from outbox.runtime.directive import Directive, Idle, Proceed
from outbox.runtime.pacer import Pacer
from outbox.runtime.ready_queue import ReadyQueue
from outbox.runtime.wake_group import WakeGroup
from tests.unit.runtime.support import PATIENCE, UNPACED, contents, eventually, in_thread, make_worker


class Sleepers:
    """Threads that sit in an Idle wait and tell when it ended."""

    def __init__(self, count: int) -> None:
        self.pacers = [Pacer(UNPACED) for _ in range(count)]
        self.woken = threading.Semaphore(0)
        self.order: list[Pacer] = []
        for pacer in self.pacers:
            self.sleep(pacer)

    def sleep(self, pacer: Pacer) -> None:
        def wait() -> None:
            pacer.wait(Idle())
            self.order.append(pacer)
            self.woken.release()

        in_thread(wait)
        eventually(lambda: pacer.waiting)

    def waiting(self) -> int:
        return sum(pacer.waiting for pacer in self.pacers)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_wake_of_n_ends_exactly_n_waits(n: int) -> None:
    sleepers = Sleepers(4)
    group = WakeGroup(sleepers.pacers)
    group.wake(n)
    for _ in range(n):
        assert sleepers.woken.acquire(timeout=PATIENCE)
    assert sleepers.waiting() == 4 - n
    group.wake_all()


def test_more_work_than_workers_wakes_all() -> None:
    sleepers = Sleepers(3)
    WakeGroup(sleepers.pacers).wake(100)
    for _ in range(3):
        assert sleepers.woken.acquire(timeout=PATIENCE)


def test_nothing_to_wake_for_and_nobody_to_wake_are_no_errors() -> None:
    sleepers = Sleepers(1)
    WakeGroup(sleepers.pacers).wake(0)
    assert sleepers.waiting() == 1
    WakeGroup([]).wake(5)
    WakeGroup(sleepers.pacers).wake_all()


def test_idle_workers_take_turns() -> None:
    sleepers = Sleepers(3)
    group = WakeGroup(sleepers.pacers)
    for _ in range(3):
        group.wake(1)
        assert sleepers.woken.acquire(timeout=PATIENCE)
        sleepers.sleep(sleepers.order[-1])
    assert len(set(map(id, sleepers.order))) == 3
    group.wake_all()


def test_a_busy_worker_is_spared_while_another_one_is_idle() -> None:
    busy, sleepers = Pacer(UNPACED), Sleepers(1)
    WakeGroup([busy, *sleepers.pacers]).wake(1)
    assert sleepers.woken.acquire(timeout=PATIENCE)
    busy_again = in_thread(lambda: busy.wait(Idle()))
    eventually(lambda: busy.waiting)  # it was left no permit
    busy.wake()
    busy_again.join(PATIENCE)


def test_when_all_are_busy_every_one_of_them_looks_again() -> None:
    pacers = [Pacer(UNPACED) for _ in range(3)]
    WakeGroup(pacers).wake(1)
    threads = [in_thread(partial(pacer.wait, Idle())) for pacer in pacers]
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)


class Claimer:
    """Claim one key a round."""

    def __init__(self, queue: ReadyQueue, delivered: threading.Semaphore) -> None:
        self.queue = queue
        self.delivered = delivered

    def run_once(self) -> Directive:
        keys = self.queue.claim(1)
        if not keys:
            return Idle()
        self.queue.done(keys)
        self.delivered.release()
        return Proceed()


def test_no_key_is_left_lying_while_workers_sleep() -> None:
    """Polling is off (the idle interval is an hour), so one lost wake would stop the test."""
    queue = ReadyQueue()
    pacers = [Pacer(UNPACED) for _ in range(4)]
    queue.subscribe(WakeGroup(pacers).wake)
    delivered = threading.Semaphore(0)
    workers = [make_worker(Claimer(queue, delivered), pacer=pacer) for pacer in pacers]
    for worker in workers:
        worker.start()

    def produce(first: int) -> None:
        for n in range(500):
            queue.mark([first + n])  # every key once, so every key must be delivered

    producers = [in_thread(partial(produce, first)) for first in (0, 1_000, 2_000, 3_000)]
    for n in range(2_000):
        assert delivered.acquire(timeout=PATIENCE), f"key {n} was never delivered: {contents(queue)}"
    for producer in producers:
        producer.join(PATIENCE)
    for worker in workers:
        worker.stop()
    assert all(worker.join(PATIENCE) for worker in workers)


def test_a_key_is_taken_by_an_idle_worker_while_another_one_is_stuck() -> None:
    """Ping-pong with a single key, so that every wake races with a worker that is just going to sleep."""
    queue = ReadyQueue()
    pacers = [Pacer(UNPACED) for _ in range(3)]
    queue.subscribe(WakeGroup(pacers).wake)
    delivered = threading.Semaphore(0)
    stuck, release = threading.Event(), threading.Event()

    class OnceStuck(Claimer):
        def run_once(self) -> Directive:
            stuck.set()
            release.wait(PATIENCE)
            return Idle()

    blocked = make_worker(OnceStuck(queue, delivered), pacer=pacers[0])
    workers = [make_worker(Claimer(queue, delivered), pacer=pacer) for pacer in pacers[1:]]
    pacers[0].wake()
    for worker in (blocked, *workers):
        worker.start()
    assert stuck.wait(PATIENCE)
    for n in range(2_000):
        queue.mark([n])
        assert delivered.acquire(timeout=PATIENCE), f"key {n} waits for the stuck worker"
    release.set()
    for worker in (blocked, *workers):
        worker.stop()
    assert all(worker.join(PATIENCE) for worker in (blocked, *workers))
