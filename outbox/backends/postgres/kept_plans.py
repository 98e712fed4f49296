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
"""Messages in one run that tell of large tables."""
FRESH: Final = 60.0
"""Seconds for which what is planned now will do: about as often does autovacuum end all plans."""
BESIDE_THE_PATH: Final = frozenset({"pending", "vacuum"})
"""Statements that are not run for a message: the safety net, and the tidying up."""


class KeptPlans:
    """Tells which runs of a statement may use a plan that the server kept, and which one.

    PostgreSQL keeps the plan of a prepared statement, which spares each message a millisecond or two. But
    a plan that was made while the tables were small reads them from end to end, and one that was made
    while they were empty, and VACUUM had cut them off, does so for each partition, however large they have
    become. Hence:

    - The first run after a quiet second is planned for itself.
    - A run that moves or reads many messages begins a new generation of plans: the statements get another
      text, which the driver prepares, and the server plans, as if they had never been run.
    - What a pass of the sequencer costs with a bad plan grows with what it may move, too; so it moves few
      with a plan that is not fresh, and a pass that left some behind begins a new generation.
    - In a stream dead rows gather until autovacuum comes. The kept plan must not be much slower than a new
      one: see `TwoWays`.

    Safe from any thread: a race costs a few plans.
    """

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._ways: defaultdict[str, TwoWays] = defaultdict(TwoWays)
        self._generation = 0
        self._fresh_until = -math.inf

    @property
    def fresh(self) -> bool:
        """Whether this generation's plans were made in the last minute, with many messages in the tables."""
        return self._clock() < self._fresh_until

    def usable(self, statement: str) -> bool:
        """Tell whether the kept plan will do."""
        now = self._clock()
        ways = self._ways[statement]
        return statement not in BESIDE_THE_PATH and now - ways.ran_at <= QUIET and ways.keep(now)

    def text_of(self, sql: str) -> str:
        """Return a statement as this generation writes it."""
        return f"{sql} -- {self._generation}" if self._generation else sql

    def ran(self, statement: str, seconds: float, *, kept: bool) -> None:
        """Take in that a run has ended, how long it took, and whether it was one with the kept plan."""
        self._ways[statement].note(self._clock(), seconds, kept=kept)

    def handled(self, messages: int) -> None:
        """Take in how many messages a run moved or read."""
        if messages >= MANY:
            self.renew()

    def renew(self) -> None:
        """Begin a new generation of plans, unless the last one began less than a minute ago."""
        if not self.fresh:
            self._generation += 1
            self._ways = defaultdict(TwoWays)
            self._fresh_until = self._clock() + FRESH
