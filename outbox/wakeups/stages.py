"""Which workers to wake for what happened: the one object through which stages wake each other.

Built before the workers, given to all of them, and completed with their pacers when they exist, so
that no worker knows another one.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from typing import Protocol

from outbox.runtime.ready_queue import ReadyQueue


class Wakeable(Protocol):
    """Something whose thread waits for work: a pacer or a group of them."""

    def wake(self) -> object:
        """End the wait, or the next one."""


class StageWakeups:
    """Marks and wakes; every method may be called from any thread and never blocks."""

    def __init__(self, sequencing: ReadyQueue, processing: ReadyQueue, consumed: Collection[int]) -> None:
        self.sequencing = sequencing
        self.processing = processing
        self.consumed = self._declared = frozenset(consumed)
        self._lock = threading.Lock()
        self._due: set[int] = set()
        self._expired = False
        self._vacuum: Wakeable | None = None
        self._reconciler: Wakeable | None = None

    def attach(self, *, vacuum: Wakeable | None = None, reconciler: Wakeable | None = None) -> None:
        """Name the workers that have no ready queue."""
        self._vacuum = vacuum or self._vacuum
        self._reconciler = reconciler or self._reconciler

    def declare(self, partition_ids: Iterable[int]) -> None:
        """Partitions that are consumed from now on, too."""
        self._declared = self._declared.union(partition_ids)
        self.consumed = self.consumed.union(partition_ids)

    def heed(self, wrong: Collection[int]) -> None:
        """Mark none of these partitions, whose rows are another queue's or gone, and all others again."""
        self.consumed = self._declared.difference(wrong)

    def enqueued(self, partition_ids: Iterable[int]) -> None:
        """Messages were committed to these partitions."""
        self.sequencing.mark(self.consumed.intersection(partition_ids))

    def sequenced(self, partition_ids: Iterable[int]) -> None:
        """These partitions have messages for a processor."""
        self.processing.mark(self.consumed.intersection(partition_ids))

    def found(self, incoming: Iterable[int], behind: Iterable[int]) -> int:
        """The database itself says so: this ends deferrals, which mere wake-ups do not.

        Returns how much of it was news: no signal had told of it.
        """
        return self.sequencing.mark_due(self.consumed.intersection(incoming)) + self.processing.mark_due(
            self.consumed.intersection(behind)
        )

    def due(self, partition_ids: Iterable[int]) -> None:
        """Delayed messages of these partitions have become due."""
        if found := self.consumed.intersection(partition_ids):
            with self._lock:
                self._due |= found
            self.sequencing.mark(found)

    def take_due(self, partition_ids: Collection[int]) -> list[int]:
        """Return which of these partitions have messages that became due, and forget it."""
        if not self._due:
            return []
        with self._lock:
            taken = self._due.intersection(partition_ids)
            self._due -= taken
        return sorted(taken)

    def expired(self) -> None:
        """There are deduplication keys whose window has passed."""
        self._expired = True
        self.processed()

    def take_expired(self) -> bool:
        """Tell whether it was said so, and forget it."""
        taken, self._expired = self._expired, False
        return taken

    def processed(self) -> None:
        """Cursors moved: there is something to delete."""
        if self._vacuum is not None:
            self._vacuum.wake()

    def poll_now(self) -> None:
        """Let the reconciler ask the database now: work came, and it is not known where."""
        if self._reconciler is not None:
            self._reconciler.wake()
