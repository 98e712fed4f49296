"""Which of two ways to run a statement takes less time."""

from __future__ import annotations

import math
from typing import Final

SPARED: Final = 1000
"""The slower way is tried again after so many times as long as it takes."""
LONGEST_REST: Final = 60.0
"""Seconds after which it is tried in any case."""


class TwoWays:
    """With the plan that was kept, or planned anew: by the median of the last three runs of each.

    So one slow commit decides nothing. The slower way is tried once in a thousand times the time that it
    takes, and at least once a minute. Safe from any thread: a race costs a sample.
    """

    __slots__ = ("_last", "_recent", "ran_at")

    def __init__(self) -> None:
        self.ran_at = -math.inf
        self._last = {True: -math.inf, False: -math.inf}
        # Replaced, never changed: threads read it meanwhile.
        self._recent: dict[bool, tuple[float, ...]] = {True: (), False: ()}

    def keep(self, now: float) -> bool:
        """Tell whether to use the kept plan now."""
        faster = self._median(kept=True) <= self._median(kept=False)
        rest = min(SPARED * self._median(kept=not faster), LONGEST_REST)
        return not faster if now - self._last[not faster] >= rest else faster

    def note(self, now: float, seconds: float, *, kept: bool) -> None:
        """Take in a run that ended now."""
        self.ran_at = self._last[kept] = now
        self._recent[kept] = (*self._recent[kept][-2:], seconds)

    def _median(self, *, kept: bool) -> float:
        recent = sorted(self._recent[kept])
        return recent[len(recent) // 2] if recent else 0.0
