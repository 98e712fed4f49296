"""How often a sequencer tells other processes that there is work for their processors."""

from __future__ import annotations

from outbox.clock import Clock, monotonic

INTERVAL = 0.05


class Announcements:
    """At most one in 50 ms: NOTIFY takes a global lock at commit, and one wakes them for many.

    What falls between two is found by the others' reconcilers. Shared by threads without a lock: a
    race announces once too often.
    """

    __slots__ = ("_clock", "_last")

    def __init__(self, *, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._last = float("-inf")

    def due(self) -> bool:
        """Return whether to announce now; the answer yes counts as an announcement."""
        now = self._clock()
        if now - self._last < INTERVAL:
            return False
        self._last = now
        return True
