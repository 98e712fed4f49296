"""What `Outbox.status()` returns."""

from __future__ import annotations

from dataclasses import dataclass

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
    """``host:pid:thread:random`` of whoever holds the lease; None also during a backoff."""
    held_for: float | None
    """Seconds until the lease or backoff ends; None when the partition is free."""


@dataclass(frozen=True)
class OutboxStatus:
    """A snapshot of the tables: partitions by queue and index, dead letters by status."""

    partitions: list[QueuePartitionStatus]
    dead_letters: dict[str, int]


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
