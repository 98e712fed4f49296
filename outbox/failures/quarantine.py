"""When a message that keeps failing is given up."""

from __future__ import annotations

from dataclasses import dataclass

from outbox.failures.tracker import FailureEntry, FailureTracker


@dataclass(frozen=True)
class Quarantine:
    """What `OutboxBuilder.quarantine` was told, checked."""

    tracker: FailureTracker | None
    """None: the table in the outbox's own database."""
    threshold: int
    interval: float
    """Seconds between two sweeps."""
    min_age: float
    """Seconds that a message must have been failing for, from its first failure to its last."""
    max_per_sweep: int

    def applies_to(self, entry: FailureEntry) -> bool:
        """Whether a message has failed often enough, and for long enough."""
        return entry.failure_count >= self.threshold and entry.failing_for >= self.min_age
