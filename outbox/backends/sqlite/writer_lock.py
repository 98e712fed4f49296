"""The lock at which the writers of this process queue, in the order of their coming."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable


class WriterLock:
    """A fair lock: the first to come is the next to go on; who comes again waits behind the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._waiting: deque[threading.Event] = deque()

    @property
    def mine(self) -> bool:
        """Whether the calling thread holds it."""
        return self._owner == threading.get_ident()

    def acquire(self, slices: Iterable[float]) -> bool:
        """Take the lock, or return False after waits of these seconds; the place in the row is kept."""
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

    def release(self) -> None:
        """Hand the lock to who has waited longest."""
        with self._lock:
            self._owner = None
            if self._waiting:
                self._owner = HANDED_OVER
                self._waiting.popleft().set()


HANDED_OVER = -1  # no thread's identity: taken, by one that has not woken up yet
