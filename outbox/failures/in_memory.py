"""Failures in the memory of one process."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime, timezone

from outbox.failures.tracker import FailureEntry, FailureKey, FailureTracker, checked_threshold, highest_first
from outbox.values.reasons import reason_of


class InMemoryFailureTracker(FailureTracker):
    """Counts in this process, costs no query, and forgets at its end. Thread-safe.

    Where several processes share the work each one counts what it sees itself, so a message may fail
    more often than the threshold before it is quarantined.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[FailureKey, FailureEntry] = {}

    def record_failure(self, key: FailureKey, error: object) -> int:
        """Count one more failure and return how many that makes."""
        now = datetime.now(timezone.utc)
        return self._add(FailureEntry(FailureKey(*key), 1, now, now, reason_of(error)))

    def record_success(self, key: FailureKey) -> None:
        """Forget a message's failures."""
        with self._lock:
            self._entries.pop(FailureKey(*key), None)

    def drain_exceeded(self, threshold: int) -> list[FailureEntry]:
        """Remove and return what has at least ``threshold`` failures, highest count first."""
        least = checked_threshold(threshold)
        with self._lock:
            exceeded = [entry for entry in self._entries.values() if entry.failure_count >= least]
            for entry in exceeded:
                del self._entries[entry.key]
        return highest_first(exceeded)

    def restore(self, entries: Iterable[FailureEntry]) -> None:
        """Put drained entries back."""
        for entry in entries:
            self._add(entry)

    def _add(self, entry: FailureEntry) -> int:
        with self._lock:
            known = self._entries.get(entry.key)
            merged = known.merged(entry) if known else entry
            self._entries[entry.key] = merged
            return merged.failure_count
