"""When a plan that the server kept may be used."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Final

from outbox.backends.postgresql.plan_chooser import PlanChooser
from outbox.backends.postgresql.pooler import Pooler
from outbox.clock import Clock, monotonic

QUIET: Final = 1.0
"""Seconds without a run after which the tables may have become others. Chosen, not measured."""
MANY: Final = 512
"""Messages in one run that tell of large tables: about a full batch, which single messages seldom make."""
SLOW: Final = 0.25
"""Seconds that not even a run of many messages should take: it tells of a bad plan. Chosen, not measured."""
MINUTE: Final = 60.0
"""Seconds; about as often does autovacuum, where it has work, end the plans that were kept."""
GENERATIONS: Final = 4
"""How many texts a statement has: few, so that no connection comes to discard one."""
BACKGROUND_STATEMENTS: Final = frozenset({"pending", "vacuum"})
"""Statements that are not run for a message: the safety net, and the tidying up."""


class KeptPlans:
    """Tells which runs of a statement may use a plan that the server kept, and which one.

    PostgreSQL keeps the plan of a prepared statement, which spares each message a millisecond or two. But
    a plan that was made while the tables were small reads them from end to end, and one that was made
    while they were empty, and VACUUM had cut them off, does so for each partition, however large they have
    become. Hence:

    - The first run after a quiet second is planned for itself.
    - A run that handles many messages begins a new generation of plans, once a minute at most: the
      statements get another text, which the driver prepares and the server plans by itself. A text that
      comes round again is minutes old; autovacuum has mostly ended its plans meanwhile.
    - A run of many messages that is slow with a kept plan is the last one of its statement for a minute.
    - What a pass of the sequencer costs with a bad plan grows with what it may move, too. So it moves few
      with a kept plan; when there were more, its passes are planned for themselves for a minute.
    - In a stream dead rows gather until autovacuum comes. The kept plan must not be much slower than a new
      one: see `PlanChooser`.

    Safe from any thread: a race costs a few plans.
    """

    def __init__(self, clock: Clock = monotonic, pooler: Pooler | None = None) -> None:
        self._clock = clock
        self.pooler = pooler or Pooler()
        """Behind one there are none: the next statement may reach a server that never saw the plan."""
        self._choosers: defaultdict[str, PlanChooser] = defaultdict(PlanChooser)
        self._ran_at: dict[str, float] = {}
        self._generation = 0
        self._renewed_at = -math.inf
        self._outgrown_at: dict[str, float] = {}

    def usable(self, statement: str) -> bool:
        """Tell whether the kept plan will do."""
        now = self._clock()
        return (
            statement not in BACKGROUND_STATEMENTS
            and now - self._ran_at.get(statement, -math.inf) <= QUIET
            and now - self._outgrown_at.get(statement, -math.inf) >= MINUTE
            and self._choosers[statement].keep(now)
        )

    def text_of(self, sql: str) -> str:
        """Return a statement that may use a kept plan as this generation writes it."""
        return f"{sql} -- {self._generation}" if self._generation else sql

    def ran(self, statement: str, seconds: float, *, kept: bool, messages: int) -> None:
        """Take in that a run has ended, with which plan, and how many messages it moved or read."""
        now = self._clock()
        self._ran_at[statement] = now
        if messages >= MANY:
            # It says nothing of what the others take.
            self._renew(now)
            if kept and seconds > SLOW:
                self.outgrown(statement)
        else:
            self._choosers[statement].note(now, seconds, kept=kept)

    def outgrown(self, statement: str) -> None:
        """Have a statement planned at each run for a minute."""
        self._outgrown_at[statement] = self._clock()

    def _renew(self, now: float) -> None:
        if now - self._renewed_at >= MINUTE:
            self._renewed_at = now
            self._generation = self._generation % GENERATIONS + 1
            self._choosers = defaultdict(PlanChooser)
