"""How long a handler takes, and how much may therefore be taken at once."""

from __future__ import annotations

import math

# A group's predicted time. Long enough to share a round trip among many partitions, short enough
# that none of them waits noticeably behind another.
GROUP_SECONDS = 0.05
# Work that is not worth waking a second thread for.
QUICK_SECONDS = 0.005
# What a batch of one partition may take, as a share of its lease.
LEASE_SHARE = 0.5
# What a batch of messages that are handled one by one is to take: what the turn does not come to is read
# again. It says nothing of a handler that takes batches, whose call may cost the same however large.
BATCH_SECONDS = 1.0
# More partitions share a round trip no better: its cost is in the rows by then. Guessed, not measured.
MAX_GROUP = 128
# The last five measurements or so decide: one slow message does not, a change of load soon does.
WEIGHT = 0.2
# A measurement this many times the average counts at once: a group that is too large holds others up.
SURPRISE = 4


class HandlerSpeed:
    """A moving average of seconds per message, pessimistic about surprises.

    Threads update it without a lock: a lost update changes an estimate, not a fact.
    """

    __slots__ = ("_batch", "_group", "_seconds")

    def __init__(self) -> None:
        self._seconds: float | None = None
        self._batch = 1.0
        self._group = 1

    def note(self, messages: int, seconds: float) -> None:
        """Take in one partition's batch."""
        if messages <= 0:
            return
        each = seconds / messages
        if self._seconds is None:
            self._seconds = each
        elif each > self._seconds * SURPRISE and seconds > QUICK_SECONDS:
            # It has become slow: believe it at once. (Anything quicker may be the scheduler's noise.)
            self._seconds = each
            self._group = 1
        else:
            self._seconds += WEIGHT * (each - self._seconds)
        self._batch += WEIGHT * (messages - self._batch)

    def group_size(self) -> int:
        """Return how many partitions may share one turn: grows from 1, as long as handlers are quick."""
        if self._seconds is None:
            return 1
        fits = GROUP_SECONDS / max(self._seconds * max(self._batch, 1.0), 1e-7)
        self._group = max(1, min(self._group * 2, MAX_GROUP, int(fits)))
        return self._group

    def quick_group(self) -> int:
        """Return how many partitions one thread works off before another would be of help."""
        if self._seconds is None:
            return 1
        return max(1, min(int(QUICK_SECONDS / max(self._seconds * max(self._batch, 1.0), 1e-7)), MAX_GROUP))

    def batch_limit(self, configured: int, budget: float, *, one_by_one: bool = False) -> int:
        """Return how many messages of a partition to read, so that they fit well inside the lease."""
        seconds = min(budget * LEASE_SHARE, BATCH_SECONDS if one_by_one else math.inf)
        if self._seconds is None or self._seconds <= 0 or math.isinf(seconds):
            return configured
        return max(1, min(configured, int(seconds / self._seconds)))
