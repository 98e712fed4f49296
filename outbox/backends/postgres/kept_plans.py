"""When a plan that the server kept may be used."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Final

from outbox.backends.postgres.two_ways import TwoWays
from outbox.clock import Clock, monotonic

QUIET: Final = 1.0
"""Seconds: who has not run a statement for longer does not know what the tables have become."""
MANY: Final = 512
"""Messages beside whose moving or reading the planning, up to a millisecond, counts for nothing."""
DISTRUST: Final = 60.0
"""Seconds; about as long after a flood autovacuum looks at the tables, which ends the plans from before."""
BESIDE_THE_PATH: Final = frozenset({"pending", "vacuum"})
"""Statements that are not run for a message: the safety net, and the tidying up."""


class KeptPlans:
    """Tells which runs of a statement may use a kept plan: those in a stream of small ones, if it is good.

    PostgreSQL keeps the plan of a prepared statement, which spares each message a millisecond or two. But
    a plan that was made while the tables were small reads them from end to end, and one that was made
    while they were empty, and VACUUM had cut them off, does so for each partition, however large they have
    become. So a run that may meet large tables is planned for itself: the first one after a quiet second,
    and every one for a minute after many messages were moved or read. What a pass of the sequencer costs
    with such a plan grows with what it may move, too; so with a kept plan it moves few, and when there were
    more, it is planned anew for a minute. And in a stream, behind which dead rows gather until autovacuum
    comes, the kept plan must not be much slower than a new one: see `TwoWays`.

    Safe from any thread: a race costs one plan.
    """

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._ways: defaultdict[str, TwoWays] = defaultdict(TwoWays)
        self._many_until = -math.inf
        self._outgrown_until: dict[str, float] = {}

    def usable(self, statement: str) -> bool:
        """Tell whether the kept plan will do."""
        now = self._clock()
        ways = self._ways[statement]
        return (
            statement not in BESIDE_THE_PATH
            and now >= self._many_until
            and now >= self._outgrown_until.get(statement, -math.inf)
            and now - ways.ran_at <= QUIET
            and ways.keep(now)
        )

    def ran(self, statement: str, seconds: float, *, kept: bool) -> None:
        """Take in that a run has ended, how long it took, and whether it was one with the kept plan."""
        self._ways[statement].note(self._clock(), seconds, kept=kept)

    def handled(self, messages: int) -> None:
        """Take in how many messages a run moved or read."""
        if messages >= MANY:
            self._many_until = self._clock() + DISTRUST

    def outgrown(self, statement: str) -> None:
        """Take in that a run, held small because of its plan, left some behind."""
        self._outgrown_until[statement] = self._clock() + DISTRUST
