"""When a plan that the server kept may be used."""

from __future__ import annotations

import math
from typing import Final

from outbox.clock import Clock, monotonic

QUIET: Final = 1.0
"""Seconds: who has not run a statement for longer does not know what the tables have become."""
SLOW: Final = 0.1
"""Seconds that no statement on a message's path takes if it was planned well."""
MANY: Final = 512
"""Messages beside whose moving or reading the planning, half a millisecond, counts for nothing."""
DISTRUST: Final = 60.0
"""Seconds; by then autovacuum has looked at the tables, which ends the plans from before."""
BESIDE_THE_PATH: Final = frozenset({"pending", "vacuum"})
"""Statements that no message waits for."""


class KeptPlans:
    """Tells which runs of a statement may use a kept plan: those in a stream of small ones.

    PostgreSQL keeps the plan of a prepared statement, which spares each message about a millisecond. But
    a plan that was made while the tables were empty, and VACUUM had cut them off, reads them from end to
    end, once for each partition, however large they have become. Small tables bear that. So a run that
    may meet large ones is planned for itself: the first one after a quiet second, every one for a minute
    after many messages were moved or read, and every one of a statement for a minute after that took long,
    whatever the reason. What a pass of the sequencer costs with such a plan grows with what it may move,
    too; so with a kept plan it moves few at a time, until it is known that there are many.

    Safe from any thread: a race costs one plan.
    """

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._ran_at: dict[str, float] = {}
        self._slow_until: dict[str, float] = {}
        self._many_until = -math.inf

    def usable(self, statement: str) -> bool:
        """Tell whether the kept plan will do."""
        now = self._clock()
        return (
            now >= self._many_until
            and now >= self._slow_until.get(statement, -math.inf)
            and now - self._ran_at.get(statement, -math.inf) <= QUIET
            and statement not in BESIDE_THE_PATH
        )

    def ran(self, statement: str, seconds: float) -> None:
        """Take in that a run has ended, and how long it took."""
        self._ran_at[statement] = self._clock()
        if seconds > SLOW:
            self._slow_until[statement] = self._ran_at[statement] + DISTRUST

    def handled(self, messages: int) -> None:
        """Take in how many messages a run moved or read."""
        if messages >= MANY:
            self._many_until = self._clock() + DISTRUST
