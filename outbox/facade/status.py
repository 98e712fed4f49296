"""What `Outbox.status()` returns."""

from __future__ import annotations

from dataclasses import dataclass

from outbox.backends.protocol import Monitoring
from outbox.backends.records import PartitionStatus


@dataclass(frozen=True)
class QueuePartitionStatus:
    """One partition: what waits, who holds it, and what is wrong with its head."""

    queue: str
    partition: int
    partition_id: int
    incoming: int
    """Committed messages that have no sequence number yet."""
    backlog: int
    """Sequenced messages that are not processed yet."""
    processed_seq: int
    oldest_age: float | None
    """Seconds since the oldest unprocessed message was enqueued; None when there is none."""
    attempts: int
    last_error: str | None
    lease_holder: str | None
    """``host:pid:thread:random`` of the worker that holds the lease; None also during a backoff."""
    held_for: float | None
    """Seconds until the lease or backoff ends; None when the partition is free."""

    @property
    def is_leased(self) -> bool:
        """Whether a worker holds a live lease."""
        return bool(self.lease_holder and self.held_for)

    @property
    def failures(self) -> int:
        """How many deliveries of the first message failed: its starts, but for a running one."""
        return self.attempts - (1 if self.is_leased else 0)

    @property
    def is_failing(self) -> bool:
        """Whether the first message has failed, be it a failure that does not count."""
        return self.failures > 0 or (self.last_error is not None and self.backlog > 0)

    @property
    def state(self) -> str:
        """``leased``, ``backing off``, ``failing``, ``waiting`` or ``idle``."""
        if self.is_leased:
            return "leased"
        if self.held_for:
            return "backing off"
        if self.is_failing:
            return "failing"
        return "waiting" if self.incoming or self.backlog else "idle"


@dataclass(frozen=True)
class OutboxStatus:
    """A snapshot of the tables: partitions by queue and index, dead letters by status, those with any."""

    partitions: list[QueuePartitionStatus]
    dead_letters: dict[str, int]


def read_status(backend: Monitoring) -> OutboxStatus:
    """Read the state of every partition in the tables, of all processes' queues, and the dead letters."""
    ids = [int(row[0]) for row in backend.query("all_partitions")]
    rows = [describe_partition(row) for row in backend.partition_status(ids)]
    return OutboxStatus(rows, backend.dead_letter_counts())


def describe_partition(row: PartitionStatus) -> QueuePartitionStatus:
    """Turn a row into what users see."""
    return QueuePartitionStatus(
        queue=row.queue,
        partition=row.partition,
        partition_id=row.partition_id,
        incoming=row.incoming,
        backlog=row.sequence - row.processed_seq,
        processed_seq=row.processed_seq,
        oldest_age=row.oldest_age,
        attempts=row.attempts,
        last_error=row.last_error,
        lease_holder=row.locked_by,
        held_for=row.locked_for,
    )
