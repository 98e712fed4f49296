"""Wake the right number of workers out of a group that shares its work."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from outbox.runtime.pacer import Pacer


class WakeGroup:
    """The pacers of workers that look for work in one place. Any thread may wake.

    Why no wake is lost: publish the work, then wake. `Pacer.wake` says whether it ended a wait, and a
    worker whose wait ended looks. When fewer waits were ended than asked for, every member is left a
    permit, and that includes the one that found nothing a moment ago and is about to wait: its
    wait ends before it begins and it looks again. One permit on one busy worker would not do, because
    that worker may be in a long round while the others, having looked too early, go to sleep. A permit
    on a busy worker is one flag, and at worst one look too many.
    """

    __slots__ = ("_pacers", "_turn")

    def __init__(self, pacers: Iterable[Pacer]) -> None:
        self._pacers = tuple(pacers)
        self._turn = itertools.count()

    def __len__(self) -> int:
        return len(self._pacers)

    def wake(self, n: int = 1) -> None:
        """End the waits of up to `n` workers, taking turns; if fewer wait, leave all others a permit."""
        if n <= 0:
            return
        # next() on a count is atomic; a lock would only protect the fairness.
        turn = next(self._turn) % max(len(self._pacers), 1)
        for pacer in self._pacers[turn:] + self._pacers[:turn]:
            if pacer.waiting and pacer.wake():
                n -= 1
                if n == 0:
                    return
        self.wake_all()

    def wake_all(self) -> None:
        """End the wait of every worker, or leave it a permit."""
        for pacer in self._pacers:
            pacer.wake()
