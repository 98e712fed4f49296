"""What a failure tracker does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from outbox.values.durations import whole


class FailureKey(NamedTuple):
    """A message's place: the id of its partition, and its number there. A plain pair will do as well."""

    partition_id: int
    seq: int


@dataclass(frozen=True)
class FailureEntry:
    """The failures of one message."""

    key: FailureKey
    failure_count: int
    first_failed_at: datetime
    """Aware, by the tracker's clock; so is `last_failed_at`."""
    last_failed_at: datetime
    last_error: str

    @property
    def failing_for(self) -> float:
        """Seconds from the first failure to the last one."""
        return (self.last_failed_at - self.first_failed_at).total_seconds()

    def merged(self, other: FailureEntry) -> FailureEntry:
        """Return both entries of a message as one: counts added up, with the later error."""
        later = other if other.last_failed_at > self.last_failed_at else self
        return replace(
            later,
            failure_count=self.failure_count + other.failure_count,
            first_failed_at=min(self.first_failed_at, other.first_failed_at),
        )


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
