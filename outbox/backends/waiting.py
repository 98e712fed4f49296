"""How long the threads of one backend wait for a connection or a lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from outbox.clock import Clock, monotonic

SLICE = 0.5
"""Seconds of a wait in one piece: how late a stop may be noticed."""
GRACE = 3.0
"""Seconds that a wait may last after the workers were told to stop, so that finished work can still be
acknowledged."""


class Waiting:
    """Cuts waits that nothing interrupts into short ones, so that a stop can end them. Thread-safe."""

    def __init__(self, *, clock: Clock = monotonic) -> None:
        self._clock = clock
        self.losses = 0
        """How many errors so far said that a connection was lost: the next one may lead to another server."""
        self.stopping: Callable[[], bool] = never
        """Whether the workers are to end; set once, before they start."""
        self.crowded: Callable[[], bool] = never
        """Whether other threads of the process wait for what a transaction of ours holds, the write lock."""

    def count_loss(self) -> None:
        """Note that a connection was lost; two threads at once may count one, which is a change as well."""
        self.losses += 1

    def slices(self, seconds: float) -> Iterator[float]:
        """Yield the parts of a wait of ``seconds`` in all, at least one; a stop leaves it `GRACE`."""
        until = self._clock() + seconds
        hurried = False
        while True:
            now = self._clock()
            if self.stopping() and not hurried:
                until, hurried = min(until, now + GRACE), True
            yield max(min(until - now, SLICE), 0.0)
            if self._clock() >= until:
                return

    def over(self, began: float) -> bool:
        """Return whether something that began then, by the clock, should not be tried again."""
        return self.stopping() and self._clock() - began > GRACE


def never() -> bool:
    """Stand in for a process without workers."""
    return False
