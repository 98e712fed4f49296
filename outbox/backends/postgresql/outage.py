"""Whether a pool has no connection because the server is away."""

from __future__ import annotations

import logging
from typing import Any

from psycopg_pool import ConnectionPool

from outbox.clock import Clock, monotonic
from outbox.runtime.throttle import Throttle

# Seconds within which failures belong together: the pool's attempts come one, then two seconds apart.
RECENT = 3.0
# Failures that make an outage: one alone may have another reason, such as too many clients for a moment.
ENOUGH = 2

POOL_NAME = "outbox-pool"


class Seldom(logging.Filter):
    """Lets the pool's own lines about failed attempts through once a minute, and then more seldom."""

    def __init__(self) -> None:
        super().__init__()
        self._throttle = Throttle()

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave the lines of other pools alone."""
        ours = isinstance(record.args, tuple) and POOL_NAME in record.args
        return not ours or self._throttle.admit(record.msg) is not None


# The workers tell of an outage themselves, and the pool would do so at each attempt.
logging.getLogger("psycopg.pool").addFilter(Seldom())


class Outage:
    """Reads a pool's count of failed attempts to connect, which the pool itself keeps from its clients.

    Thread-safe: at worst two threads look at the same time and both see what is new.
    """

    def __init__(self, pool: ConnectionPool[Any], *, clock: Clock = monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._errors = self._count()
        self._failures = 0
        self._failed_at = self._looked_at = clock()

    def begin(self) -> None:
        """Start a new checkout: forget failures from before it."""
        if self._clock() - self._looked_at > RECENT:
            self._errors = self._count()

    def connection_lost(self) -> None:
        """A connection was lost: if the next attempt to make one fails as well, that is enough."""
        self._errors = self._count()
        self._failures = ENOUGH - 1
        self._failed_at = self._clock()

    def lasts(self) -> bool:
        """Return whether attempts have failed shortly after each other, and the last one just now."""
        errors, now = self._count(), self._clock()
        if errors > self._errors:
            before = self._failures if now - self._failed_at < RECENT else 0
            self._failures = before + errors - self._errors
            self._failed_at = now
        self._errors, self._looked_at = errors, now
        return self._failures >= ENOUGH and now - self._failed_at < RECENT

    def _count(self) -> int:
        return int(self._pool.get_stats().get("connections_errors", 0))
