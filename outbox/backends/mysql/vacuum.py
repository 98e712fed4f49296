"""Deleting what was processed, on MySQL and MariaDB.

Statements: 4 (lock, DELETE of outgoing rows and bodies, UPDATE, COMMIT), 2 when there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from outbox.backends.mysql.session import Operations
from outbox.backends.retry import retry_contention
from outbox.statements.dialect import MYSQL


class Dirty(NamedTuple):
    """A partition with something to delete."""

    partition_id: int
    vacuumed_seq: int
    processed_seq: int


class Vacuuming(Operations):
    """See `outbox.backends.protocol.Vacuuming`."""

    @retry_contention
    def vacuum(self, partition_ids: Sequence[int], limit: int) -> int:
        with self._source.writing() as session:
            dirty = session.query("vacuum", partition_ids=MYSQL.integers(sorted(partition_ids))).read(Dirty)
            ranges = spread(dirty, limit)
            if ranges:
                text = MYSQL.records(ranges)
                session.change("delete_processed", ranges=text)
                session.change("advance_vacuum", ranges=text)
        return sum(count for _, _, count in ranges)


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
