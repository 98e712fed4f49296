"""What this process has done so far, for `stats()` and the log."""

from __future__ import annotations

import threading
from collections import Counter


class Counters:
    """Named totals; thread-safe, one short lock per batch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: Counter[str] = Counter()

    def add(self, **amounts: int) -> None:
        """Add to the named totals."""
        with self._lock:
            self._totals.update(amounts)

    def snapshot(self) -> dict[str, int]:
        """Return a copy of the totals."""
        with self._lock:
            return dict(self._totals)
