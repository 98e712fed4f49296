"""A pause, as it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

EVERY_QUEUE = "*"
"""Stands for all queues, those that do not exist yet included: no queue can be called so."""


@dataclass(frozen=True)
class Pause:
    """What is not delivered at present."""

    queue: str
    """``*`` for a hold: every queue, also those that are registered later."""
    partition: int | None
    """The index of the partition, None for all of the queue."""
    key: str | None
    """The key whose messages wait, None for all."""
    reason: str | None
    paused_at: datetime
    until: datetime | None
    """When it ends by itself, None if it does not."""

    @property
    def is_hold(self) -> bool:
        """Whether it holds every queue."""
        return self.queue == EVERY_QUEUE

    def covers(self, queue: str, partition: int) -> bool:
        """Tell whether nothing of a partition is delivered because of it."""
        if self.key is not None or self.queue not in (queue, EVERY_QUEUE):
            return False
        return self.partition is None or self.partition == partition

    def __str__(self) -> str:
        """Return a sentence for people."""
        what = "all queues are held" if self.is_hold else f"{self.place} is paused"
        end = "" if self.until is None else f" until {self.until.isoformat(timespec='seconds')}"
        return f"{what}{end}: {self.reason}" if self.reason else f"{what}{end}"

    @property
    def place(self) -> str:
        """What is paused, for people."""
        parts = [f"queue {self.queue}"]
        if self.partition is not None:
            parts.insert(0, f"partition {self.partition} of")
        if self.key is not None:
            parts.insert(0, f"key {self.key} in")
        return " ".join(parts)
