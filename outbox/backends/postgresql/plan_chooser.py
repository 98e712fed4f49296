"""Which of two ways to run a statement is the better one."""

from __future__ import annotations

import math
from typing import Final

MAX_SLOWDOWN: Final = 3.0
"""How many times as long as with a new plan a run with the kept one may take. Until a connection has
prepared the statement, and the server has planned it for good, that spares nothing yet."""
RETRY_FACTOR: Final = 300
"""The other way is tried again after this many times the time it takes: so it costs a third of a percent."""
MAX_REST: Final = 600.0
"""Seconds after which it is tried in any case: tables change in minutes. Chosen, not measured."""


class PlanChooser:
    """With the plan that was kept, or planned anew: by the fastest of the last three runs of each.

    So a slow commit, or a connection's first run, decides nothing, while a plan that reads too much is slow
    at each run. The kept one is the better way unless it is much slower. The other way is tried once in
    three hundred times the time that it takes, and at least once in ten minutes.

    Safe from any thread: a race costs a sample.
    """

    __slots__ = ("_last", "_recent")

    def __init__(self) -> None:
        self._last = {True: -math.inf, False: -math.inf}
        # Replaced, never changed: threads read it meanwhile.
        self._recent: dict[bool, tuple[float, ...]] = {True: (), False: ()}

    def keep(self, now: float) -> bool:
        """Tell whether to use the kept plan now."""
        better = self._takes(kept=True) <= MAX_SLOWDOWN * self._takes(kept=False)
        other = not better
        rest = min(RETRY_FACTOR * self._takes(kept=other), MAX_REST)
        return other if now - self._last[other] >= rest else better

    def note(self, now: float, seconds: float, *, kept: bool) -> None:
        """Take in a run that ended now."""
        self._last[kept] = now
        self._recent[kept] = (*self._recent[kept][-2:], seconds)

    def _takes(self, *, kept: bool) -> float:
        return min(self._recent[kept], default=0.0)
