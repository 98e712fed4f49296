"""The ready queue against a model that is slow and obvious."""

from __future__ import annotations

import threading
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from outbox.runtime.ready_queue import ReadyQueue
from tests.unit.runtime.support import PATIENCE, FakeClock, contents, in_thread

KEYS = st.integers(0, 7)


def group_of(key: int) -> int:
    return key % 2


class ReadyQueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock(0.0)
        self.queue = ReadyQueue(group_of, clock=self.clock)
        self.ready: list[int] = []
        self.claimed: dict[int, bool] = {}
        self.deferred: dict[int, float] = {}

    @rule(keys=st.lists(KEYS))
    def mark(self, keys: list[int]) -> None:
        self.queue.mark(keys)
        for key in keys:
            if key in self.claimed:
                self.claimed[key] = True
            elif key not in self.ready and key not in self.deferred:
                self.ready.append(key)

    @rule(keys=st.lists(KEYS))
    def mark_due(self, keys: list[int]) -> None:
        self.queue.mark_due(keys)
        for key in keys:
            self.deferred.pop(key, None)
            if key in self.claimed:
                self.claimed[key] = True
            elif key not in self.ready:
                self.ready.append(key)

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        due = [key for key, when in self.deferred.items() if when <= self.clock.now]
        for key in sorted(due, key=lambda key: (self.deferred[key], key)):
            del self.deferred[key]
            self.ready.append(key)
        group = [key for key in self.ready if group_of(key) == group_of(self.ready[0])]
        assert self.queue.claim(limit) == group[:limit]
        for key in group[:limit]:
            self.ready.remove(key)
            self.claimed[key] = False

    @precondition(lambda self: self.claimed)
    @rule(data=st.data(), always=st.booleans())
    def give_back(self, data: st.DataObject, always: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.claimed)))
        (self.queue.again if always else self.queue.done)([key])
        if self.claimed.pop(key) or always:
            self.ready.append(key)

    @precondition(lambda self: self.claimed)
    @rule(data=st.data(), delay=st.integers(0, 5))
    def defer(self, data: st.DataObject, delay: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.claimed)))
        self.queue.defer(key, delay)
        del self.claimed[key]
        self.deferred[key] = self.clock.now + delay

    @rule(seconds=st.integers(0, 3))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def they_agree(self) -> None:
        snapshot = contents(self.queue)
        assert snapshot.ready == tuple(self.ready)
        assert snapshot.claimed == set(self.claimed)
        assert snapshot.deferred == self.deferred
        assert self.queue.next_due() == min(self.deferred.values(), default=None)


TestReadyQueueAgreesWithItsModel = ReadyQueueMachine.TestCase
TestReadyQueueAgreesWithItsModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_many_threads_never_hold_a_key_together_and_forget_no_mark() -> None:
    queue = ReadyQueue(group_of)
    lock = threading.Lock()
    held: Counter[int] = Counter()
    pending: Counter[int] = Counter()
    produced = threading.Event()
    faults: list[str] = []

    def produce() -> None:
        for n in range(1_500):
            key = n % 8
            with lock:
                pending[key] += 1
            queue.mark([key])

    def take() -> bool:
        keys = queue.claim(3)
        with lock:
            held.update(keys)
            faults.extend(f"key {key} is held twice" for key in keys if held[key] > 1)
        with lock:
            for key in keys:
                pending[key] = 0
            held.subtract(keys)
        queue.done(keys)
        return bool(keys)

    def work() -> None:
        # The order matters: a claim that began after the last mark and found nothing is the end.
        while not produced.is_set() or take():
            take()

    workers = [in_thread(work) for _ in range(3)]
    producers = [in_thread(produce) for _ in range(3)]
    for thread in producers:
        thread.join(PATIENCE)
    produced.set()
    for thread in workers:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in (*producers, *workers))
    assert faults == []
    assert +pending == Counter()
