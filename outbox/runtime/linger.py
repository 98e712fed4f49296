"""The gap between passes in a stream: the higher the rate, the more messages share the cost of a pass."""

from __future__ import annotations

import math
from typing import Final

TIME_CONSTANT: Final = 0.1
"""Seconds in which the memory of a pass fades to 37 %."""
QUIET_RATE: Final = 200.0
"""Messages a second up to which every message goes at once."""
FULL_RATE: Final = 2_000.0
"""Messages a second from which the gap is the ceiling."""
SMALLEST_GAP: Final = 0.002
"""Seconds between two passes of a stream that has just begun."""


class Linger:
    """Space passes by a gap that grows with the rate of messages.

    The rate is exponentially weighted: a pass that moved m messages adds m / T to it, and it fades by
    e^(-t/T) in t seconds, with T = 0.1 s; for a steady stream that is messages a second. With r the
    rate at the time of asking::

        gap = 0                                                           r <= 200/s
        gap = 2 ms + (ceiling - 2 ms) * min(1, (r - 200) / 1 800)         r > 200/s
        gap = max(min(gap, ceiling), floor)                               r > 200/s

    and the next pass may begin `gap` after the last one ended. The gap closes by itself when a stream
    dries up, and a message after a quiet spell never waits. A pass that left a backlog behind asks for
    no gap at all: waiting cannot make the next batch fuller.

    `floor` and `ceiling` are seconds; a floor above the ceiling is the gap of every stream. Pure: the
    caller brings the time. Not thread-safe.
    """

    __slots__ = ("_backlog", "_ceiling", "_floor", "_last", "_rate")

    def __init__(self, floor: float = 0.0, ceiling: float = 0.02) -> None:
        self._floor = floor
        self._ceiling = ceiling
        self._rate = 0.0
        self._last = -math.inf
        self._backlog = False

    def note(self, now: float, moved: int, *, backlog: bool = False) -> None:
        """Take in a pass that ended at `now` and moved messages; `backlog`: it left some behind."""
        self._rate = self.rate(now) + moved / TIME_CONSTANT
        self._last = now
        self._backlog = backlog

    def rate(self, now: float) -> float:
        """Return the estimate in messages a second."""
        if self._rate == 0.0:
            return 0.0
        return self._rate * math.exp(-max(now - self._last, 0.0) / TIME_CONSTANT)

    def delay(self, now: float) -> float:
        """Return how many seconds to wait before the next pass."""
        if self._backlog:
            return 0.0
        return max(self._last + self._gap(self.rate(now)) - now, 0.0)

    def _gap(self, rate: float) -> float:
        if rate <= QUIET_RATE:
            return 0.0
        share = min((rate - QUIET_RATE) / (FULL_RATE - QUIET_RATE), 1.0)
        gap = SMALLEST_GAP + (self._ceiling - SMALLEST_GAP) * share
        return max(min(gap, self._ceiling), self._floor)
