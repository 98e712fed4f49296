"""The lock at which the writers of this process queue, in the order of their coming."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable

from outbox.clock import Clock, monotonic

LENT_SECONDS = 0.6
"""For how long code of users may have the database's write lock before other connections get their chance:
with the gap, more than one a second."""
GAP_SECONDS = 0.11
"""What is a chance: SQLite lets one that waits look again after 100 ms at most."""


class WriterLock:
    """A fair lock: the first to come is the next to go on; who comes again waits behind the others.

    Connections that are not the outbox's, of this process and of others, wait for SQLite's own lock, and
    SQLite only lets them look now and then. So the next owner waits a moment when code of users, as in
    transactional turns, has had it for long. The library's own transactions last milliseconds, and between
    them is room.
    """

    def __init__(self, *, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._lent = 0.0
        self._taken_at = self._released_at = clock()
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._waiting: deque[threading.Event] = deque()

    @property
    def mine(self) -> bool:
        """Whether the calling thread holds it."""
        return self._owner == threading.get_ident()

    @property
    def crowded(self) -> bool:
        """Whether other threads wait for it, or other connections have got no chance for long."""
        return bool(self._waiting) or self._clock() - self._taken_at >= LENT_SECONDS

    def acquire(self, slices: Iterable[float]) -> bool:
        """Take the lock, or return False after waits of these seconds; the place in the row is kept."""
        if not self._queue(slices):
            return False
        self._leave_a_gap()
        self._taken_at = self._clock()
        return True

    def _leave_a_gap(self) -> None:
        gap = self._clock() - self._released_at
        if gap < GAP_SECONDS and self._lent >= LENT_SECONDS:
            time.sleep(GAP_SECONDS - gap)
        elif gap < GAP_SECONDS:
            return
        self._lent = 0.0

    def _queue(self, slices: Iterable[float]) -> bool:
        with self._lock:
            if self._owner is None and not self._waiting:
                self._owner = threading.get_ident()
                return True
            turn = threading.Event()
            self._waiting.append(turn)
        came = any(turn.wait(seconds) for seconds in slices)
        with self._lock:
            if not came and not turn.is_set():
                self._waiting.remove(turn)
                return False
            self._owner = threading.get_ident()
            return True

    def release(self, *, handed_over: bool = False) -> None:
        """Hand the lock to who has waited longest; ``handed_over`` tells that code of a user's had it."""
        self._released_at = self._clock()
        if handed_over:
            self._lent += self._released_at - self._taken_at
        with self._lock:
            self._owner = None
            if self._waiting:
                self._owner = HANDED_OVER
                self._waiting.popleft().set()


HANDED_OVER = -1  # no thread's identity: taken, by one that has not woken up yet
