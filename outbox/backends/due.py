"""Numbers for messages that have become due, where no statement moves and numbers them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from outbox.backends.records import Sequenced

Waiting = Sequence[tuple[int, int, Sequence[Any]]]
"""Partition, its sequence, and the rows that are due in it, first due first."""


def before(waiting: Waiting, first_due: int | None) -> Waiting:
    """Leave out what becomes due at or after the first message that is to be readdressed."""
    if first_due is None:
        return waiting
    return [
        (partition_id, base, [row for row in rows if row.due_us < first_due])
        for partition_id, base, rows in waiting
    ]


def numbered(waiting: Waiting) -> list[tuple[int, int, int, int]]:
    """Return ``(partition, seq, message id, due)`` of each."""
    return [
        (partition_id, seq, row.body_id, row.due_us)
        for partition_id, base, rows in waiting
        for seq, row in enumerate(rows, base + 1)
    ]


def advanced(waiting: Waiting) -> Iterable[tuple[int, int]]:
    """Return the new sequences of the partitions that got any."""
    return ((partition_id, base + len(rows)) for partition_id, base, rows in waiting if rows)


def passed_due(waiting: Waiting) -> list[Sequenced]:
    """Return what was moved in each partition."""
    return [
        Sequenced(partition_id, base + 1 if rows else 0, len(rows)) for partition_id, base, rows in waiting
    ]
