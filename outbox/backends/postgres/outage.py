"""Whether a pool has no connection because the server is away."""

from __future__ import annotations

from typing import Any

from psycopg_pool import ConnectionPool

from outbox.clock import Clock, monotonic

# The pool's attempts come one, then two seconds after each other.
RECENT = 3.0


class Outage:
    """Reads a pool's count of failed attempts to connect, which the pool itself keeps from its clients.

    Thread-safe: at worst two threads look at the same time and both see what is new.
    """

    def __init__(self, pool: ConnectionPool[Any], *, clock: Clock = monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._errors = self._count()
        self._seen_at: float | None = None

    def forget(self) -> None:
        """From here on an attempt that fails is news."""
        self._errors = self._count()

    def lasts(self) -> bool:
        """Return whether an attempt has failed within the last three seconds, as far as anybody looked."""
        errors, now = self._count(), self._clock()
        if errors > self._errors:
            self._errors, self._seen_at = errors, now
        return self._seen_at is not None and now - self._seen_at < RECENT

    def _count(self) -> int:
        return int(self._pool.get_stats().get("connections_errors", 0))
