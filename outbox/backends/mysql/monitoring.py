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
    return [to_status(row) for row in rows]


def to_status(row: tuple[Any, ...]) -> PartitionStatus:
    """Return a row as a status; its times become durations by the database's clock."""
    *head, waiting, behind, attempts, last_error, locked_by, locked_until, now = row
    oldest = min((moment for moment in (waiting, behind) if moment is not None), default=None)
    age = None if oldest is None else (now - oldest).total_seconds()
    held = (locked_until - now).total_seconds() if locked_until and locked_until > now else None
    return PartitionStatus._make((*head, age, attempts, decoded(last_error), locked_by, held))


def dead_letter_counts(source: Source) -> dict[str, int]:
    """Return the number of dead letters by status; 1 statement."""
    with source.reading() as session:
        return dict(session.rows("count_dead_letters_by_status"))
