"""What people want to know of a MySQL or MariaDB database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from outbox.backends.mysql.source import Source
from outbox.backends.mysql.text import decoded, integers
from outbox.backends.records import PartitionStatus


def partition_status(source: Source, partition_ids: Sequence[int]) -> list[PartitionStatus]:
    """Return the partitions' state; 1 statement."""
    with source.reading() as session:
        rows = session.rows("partition_status", partition_ids=integers(partition_ids))
    return [to_status(row) for row in rows.named()]


def to_status(row: Any) -> PartitionStatus:
    """Return a row as a status; its times become durations by the database's clock."""
    now, until = row.now, row.locked_until
    oldest = min((at for at in (row.oldest_waiting, row.oldest_behind) if at is not None), default=None)
    return PartitionStatus(
        partition_id=row.partition_id,
        queue=row.queue,
        partition=row.partition,
        incoming=row.incoming,
        sequence=row.sequence,
        processed_seq=row.processed_seq,
        vacuumed_seq=row.vacuumed_seq,
        oldest_age=None if oldest is None else (now - oldest).total_seconds(),
        attempts=row.attempts,
        last_error=decoded(row.last_error),
        locked_by=row.locked_by,
        locked_for=(until - now).total_seconds() if until and until > now else None,
    )


def dead_letter_counts(source: Source) -> dict[str, int]:
    """Return the number of dead letters by status; 1 statement."""
    with source.reading() as session:
        return session.rows("count_dead_letters_by_status").mapping("status", "n")
