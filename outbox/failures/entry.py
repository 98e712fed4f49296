"""What a tracker knows of a message that keeps failing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple


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
