"""What a failure tracker does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from outbox.failures.entry import FailureEntry, FailureKey
from outbox.values.durations import whole


class FailureTracker(ABC):
    """Counts the failed deliveries of each message, for a quarantine sweeper; see `OutboxBuilder.quarantine`.

    A tracker is advice. Whatever it says, a message is dead-lettered only under its partition's lease, and
    only while it is still the head; and when a tracker raises, that is logged and delivery goes on. So one
    may forget (after a crash counting begins anew) but must not make failures up.

    Every method may be called from any thread. `outbox.testing.FailureTrackerContract` tests an
    implementation of your own.
    """

    @abstractmethod
    def record_failure(self, key: FailureKey, error: object) -> int:
        """Count one more failure of a message, remember why, and return how many that makes.

        ``error`` is an exception or a reason.
        """

    @abstractmethod
    def record_success(self, key: FailureKey) -> None:
        """Forget a message's failures. Idempotent: most messages have none."""

    @abstractmethod
    def drain_exceeded(self, threshold: int) -> list[FailureEntry]:
        """Remove and return every entry with at least ``threshold`` failures, highest count first.

        No entry goes to two callers. Raises `ConfigurationError` for a threshold below 1.
        """

    @abstractmethod
    def restore(self, entries: Iterable[FailureEntry]) -> None:
        """Put drained entries back. Counts are added to those of a message that failed again meanwhile.

        The sweeper repeats a call that has raised. Where that may have taken effect all the same, as a
        commit whose answer was lost, entries that are there already should be recognised.
        """


def checked_threshold(threshold: object) -> int:
    """Return a threshold, or raise `ConfigurationError`."""
    return whole(threshold, option="threshold", minimum=1)


def highest_first(entries: Iterable[FailureEntry]) -> list[FailureEntry]:
    """Sort by count, and those with the same one by key."""
    return sorted(entries, key=lambda entry: (-entry.failure_count, entry.key))
