"""The partitions that one round of a worker took from a ready queue."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from outbox.runtime.ready_queue import ReadyQueue

# Another worker holds the row for about the time of one statement or ack.
LOCKED_DELAY = 0.02
# A row locked for long is one of a transaction that takes its time: up to 16 times the delay.
LOCKED_DOUBLINGS = 4

if TYPE_CHECKING:
    from typing_extensions import Self


class Claim:
    """Gives every partition back exactly once; what is left at the end goes back to the tail.

    A context manager of the worker's thread; the lease keeper's thread may give partitions back too.
    """

    __slots__ = ("_held", "_lock", "_ready")

    def __init__(self, ready: ReadyQueue, keys: Iterable[int]) -> None:
        self._ready = ready
        self._held = set(keys)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.again(list(self._held))

    def __len__(self) -> int:
        return len(self._held)

    def done(self, keys: Iterable[int]) -> None:
        """These have no more work."""
        self._ready.done(self._take(keys))

    def again(self, keys: Iterable[int]) -> None:
        """These have more work."""
        self._ready.again(self._take(keys))

    def defer(self, key: int, delay: float) -> None:
        """Leave this one alone for ``delay`` seconds."""
        if self._take((key,)):
            self._ready.defer(key, delay)

    def locked(self, key: int, times: int = 1) -> None:
        """Its row is locked elsewhere, ``times`` in a row: behind the others, after a jittered delay."""
        delay: float = LOCKED_DELAY * 2 ** min(times - 1, LOCKED_DOUBLINGS)
        self.defer(key, delay * (0.5 + random.random()))

    def _take(self, keys: Iterable[int]) -> list[int]:
        with self._lock:
            taken = [key for key in keys if key in self._held]
            self._held.difference_update(taken)
        return taken
