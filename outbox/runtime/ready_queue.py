"""Which keys have work, oldest first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TypeAlias

from outbox.clock import Clock, monotonic
from outbox.runtime.deferrals import Deferrals
from outbox.runtime.lanes import GroupOf, Lanes, one_group

Subscriber: TypeAlias = Callable[[int], object]


class ReadyQueue:
    """Hand each key to one claimant at a time, and forget no signal that arrives meanwhile.

    ::

        idle --mark--> ready --claim--> claimed --done--> idle
                         ^                 |
                         +------again------+--mark--> claimed, re-marked --done--> ready
                         |                 |                   |
                         |               defer               defer
                         |                 v                   |
                         +--its time,-- deferred <-------------+
                            or mark_due

    `mark` is a signal that may be early or late: it leaves a deferred key deferred, for new work does
    not shorten a backoff. `mark_due` comes from the authority and ends a deferral at once. Becoming
    ready always means the tail.

    `group_of` (quick, pure, called under the lock) says which keys may be claimed together; it is asked
    each time that a key becomes ready, so a key's group may change between claims.

    A subscriber is called with the number of keys that want a look, outside the lock, in the thread
    that caused it, and after the keys became claimable. Subscribers must be quick and must not raise.
    All methods are thread-safe and never block for longer than the lock; times are absolute seconds of
    `clock`.
    """

    __slots__ = ("_claimed", "_clock", "_deferrals", "_lanes", "_lock", "_subscribers")

    def __init__(self, group_of: GroupOf = one_group, *, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._lanes = Lanes(group_of)
        self._deferrals = Deferrals()
        self._claimed: dict[int, bool] = {}  # key: re-marked since its claim
        self._subscribers: tuple[Subscriber, ...] = ()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber(n)` when n keys want a look: they became ready, or one falls due next of all."""
        with self._lock:
            self._subscribers = (*self._subscribers, subscriber)

    def mark(self, keys: Iterable[int]) -> None:
        """Signal that these keys may have work."""
        fresh = 0
        with self._lock:
            for key in keys:
                if key in self._claimed:
                    self._claimed[key] = True
                elif key not in self._lanes and key not in self._deferrals:
                    self._lanes.push(key)
                    fresh += 1
        self._notify(fresh)

    def mark_due(self, keys: Iterable[int]) -> int:
        """State that these keys have work and are free to be worked on now; return how many were idle.

        Announces a key that is ready already once more: this is the safety net under lost wakes.
        """
        ready = idle = 0
        with self._lock:
            for key in keys:
                if key in self._claimed:
                    self._claimed[key] = True
                    continue
                deferred = self._deferrals.cancel(key)
                if key not in self._lanes:
                    self._lanes.push(key)
                    idle += not deferred
                ready += 1
        self._notify(ready)
        return idle

    def claim(self, limit: int = 1) -> list[int]:
        """Take the oldest ready key and further ready ones of its group, up to `limit`, in order.

        Never waits: [] when nothing is ready. Each claimed key belongs to the caller until it comes
        back through `done`, `again` or `defer`.
        """
        with self._lock:
            due = self._deferrals.pop_due(self._clock()) if self._deferrals else []
            for key in due:
                self._lanes.push(key)
            taken = self._lanes.take(limit)
            self._claimed.update(dict.fromkeys(taken, False))
            # Keys that fell due together and were not all taken: no subscriber has heard of them.
            left = min(len(due), len(self._lanes))
        self._notify(left)
        return taken

    def done(self, keys: Iterable[int]) -> None:
        """Give keys back that are dry; one that was marked since its claim is ready again.

        Raises `ValueError` when a key was not claimed, after giving back those that were. The same
        holds for `again`.
        """
        self._give_back(keys, always_ready=False)

    def again(self, keys: Iterable[int]) -> None:
        """Give keys back that have more work."""
        self._give_back(keys, always_ready=True)

    def defer(self, key: int, delay: float) -> None:
        """Give a key back that must be left alone for `delay` seconds.

        Raises `ValueError` when the key was not claimed.
        """
        with self._lock:
            if self._claimed.pop(key, None) is None:
                raise ValueError(f"key {key} is not claimed")
            due = self._clock() + delay
            self._deferrals.put(key, due)
            # A sleeper that was told a later time, or none, has to look once to learn this one.
            sooner = self._deferrals.next_due() == due
        self._notify(int(sooner))

    def next_due(self) -> float | None:
        """Return when the next deferred key becomes ready by itself, None when there is none."""
        with self._lock:
            return self._deferrals.next_due()

    def heads(self) -> list[int]:
        """Return the oldest ready key of each group and those that have fallen due, without claiming any."""
        with self._lock:
            return [*self._lanes.heads(), *self._deferrals.due(self._clock())]

    @property
    def ready_count(self) -> int:
        """How many keys are ready, not counting deferred ones whose time has come since the last claim."""
        return len(self._lanes)

    @property
    def claimed_count(self) -> int:
        """How many keys are being worked on."""
        return len(self._claimed)

    def _give_back(self, keys: Iterable[int], *, always_ready: bool) -> None:
        ready = 0
        strays: list[int] = []
        with self._lock:
            for key in keys:
                marked = self._claimed.pop(key, None)
                if marked is None:
                    strays.append(key)
                elif marked or always_ready:
                    self._lanes.push(key)
                    ready += 1
        self._notify(ready)
        if strays:
            raise ValueError(f"keys are not claimed: {strays}")

    def _notify(self, count: int) -> None:
        if count:
            for subscriber in self._subscribers:
                subscriber(count)
