"""Deleting what was processed, on MySQL and MariaDB.

Statements: 4 (lock, DELETE of outgoing rows and bodies, UPDATE, COMMIT), 2 when there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from outbox.backends.mysql.session import Operations, Session
from outbox.backends.retry import retry_contention
from outbox.statements.dialect import MYSQL


class Dirty(NamedTuple):
    """A partition with something to delete."""

    partition_id: int
    vacuumed_seq: int
    processed_seq: int
    """Up to where it may be deleted."""
    delivered_seq: int
    keep_us: int | None


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
            note_kept(session, dirty, {partition_id: base + count for partition_id, base, count in ranges})
        return sum(count for _, _, count in ranges)

    @retry_contention
    def forget_keys(self, limit: int) -> int:
        with self._source.writing() as session:
            return session.change("forget_keys", limit=limit)


def note_kept(session: Session, dirty: list[Dirty], reached: dict[int, int]) -> None:
    """Note how far queues have delivered that keep it, and let them rest once nothing is left to delete."""
    notes = [
        (row.partition_id, row.delivered_seq, row.processed_seq, row.keep_us)
        for row in dirty
        if row.keep_us is not None and reached.get(row.partition_id, row.vacuumed_seq) >= row.processed_seq
    ]
    if notes:
        for step in ("note_delivered", "forget_delivered", "rest_vacuum"):
            session.change(step, notes=MYSQL.records(notes))


def spread(dirty: list[Dirty], limit: int) -> list[tuple[int, int, int]]:
    """Give each partition what it needs until ``limit`` rows are spent: ``(partition, base, rows)``."""
    ranges = []
    for partition_id, vacuumed, processed, *_ in sorted(dirty, key=itemgetter(0)):
        count = min(processed - vacuumed, limit)
        if limit <= 0:
            break
        if count <= 0:
            continue
        ranges.append((partition_id, vacuumed, count))
        limit -= count
    return ranges
