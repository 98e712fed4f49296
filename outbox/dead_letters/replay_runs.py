"""How far the replays of a scope have come, so that a loop over them ends."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

from outbox.clock import Clock, monotonic
from outbox.dead_letters.letter import DeadLetter
from outbox.dead_letters.scope import DeadLetterScope

K = TypeVar("K")

FORGOTTEN_AFTER = 600.0
"""Seconds without a call until a run counts as over: a loop works on its letters for less than that."""
CLAIMS = 10
"""A run of longer claims is remembered for this many of them."""
REMEMBERED = 100
"""Scopes, and claims, at once; the oldest is forgotten first."""


class Run(NamedTuple):
    """A scope is passed up to the id ``passed``, until the time ``until``."""

    scope: DeadLetterScope
    passed: int
    until: float


class ReplayRuns:
    """The runs of one process, by scope. Thread-safe: callers of an equal scope share a run.

    ::

        replay -> 1 2 3, reject them; replay -> 4 5, reject them; replay -> nothing; replay -> 1 2 3
        |------------------------------- one run -------------------------------|    |---- the next

    What is claimed is not offered to others anyway, and what is resolved never again; so a run goes on
    behind the claims of which something was rejected. Ids grow: one number tells what a run has passed.
    """

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._runs: OrderedDict[DeadLetterScope, Run] = OrderedDict()
        self._claims: OrderedDict[str, Run] = OrderedDict()

    def passed(self, scope: DeadLetterScope) -> int:
        """Return the highest id that the current run has passed, 0 when a new one begins."""
        with self._lock:
            return self._passed(scope)

    def replayed(self, scope: DeadLetterScope, claimed: Sequence[DeadLetter], timeout: float) -> None:
        """Note what a replay has claimed; nothing ends the run."""
        with self._lock:
            if not claimed:
                self._runs.pop(scope, None)
                return
            until = self._clock() + max(FORGOTTEN_AFTER, CLAIMS * timeout)
            remember(self._claims, str(claimed[0].claim), Run(scope, claimed[-1].id, until))

    def rejected(self, claims: Iterable[str]) -> None:
        """Pass the letters of these claims, of which something was rejected."""
        with self._lock:
            for claim in claims:
                run = self._claims.pop(claim, None)
                if run is not None:
                    passed = max(self._passed(run.scope), run.passed)
                    remember(self._runs, run.scope, run._replace(passed=passed))

    def _passed(self, scope: DeadLetterScope) -> int:
        run = self._runs.get(scope)
        return run.passed if run is not None and self._clock() < run.until else 0


def remember(runs: OrderedDict[K, Run], key: K, run: Run) -> None:
    """Put a run at the end; forget the oldest one when there are too many."""
    runs.pop(key, None)
    runs[key] = run
    if len(runs) > REMEMBERED:
        runs.popitem(last=False)
