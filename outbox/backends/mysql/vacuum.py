"""Deleting what was processed, on MySQL and MariaDB.

Statements: 4 (lock, DELETE of outgoing rows and bodies, UPDATE, COMMIT), 2 when there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from outbox.backends.mysql.source import Source
from outbox.backends.mysql.text import integers, records
from outbox.backends.retry import retry_contention


@retry_contention
def vacuum(source: Source, partition_ids: Sequence[int], limit: int) -> int:
    """Delete processed messages; see `Backend.vacuum`."""
    with source.writing() as session:
        dirty = session.rows("vacuum", partition_ids=integers(sorted(partition_ids))).read(Dirty)
        ranges = spread(dirty, limit)
        if ranges:
            text = records(ranges)
            session.change("delete_processed", ranges=text)
            session.change("advance_vacuum", ranges=text)
    return sum(count for _, _, count in ranges)


class Dirty(NamedTuple):
    """A partition with something to delete."""

    partition_id: int
    vacuumed_seq: int
    processed_seq: int


def spread(dirty: list[Dirty], limit: int) -> list[tuple[int, int, int]]:
    """Give each partition what it needs until ``limit`` rows are spent: ``(partition, base, rows)``."""
    ranges = []
    for partition_id, vacuumed, processed in sorted(dirty):
        count = min(processed - vacuumed, limit)
        if count <= 0:
            break
        ranges.append((partition_id, vacuumed, count))
        limit -= count
    return ranges
