"""What people want to know of a MySQL or MariaDB database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from outbox.backends.mysql.session import Operations
from outbox.backends.records import PartitionStatus
from outbox.statements.dialect import MYSQL, decode_text


class Monitoring(Operations):
    """See `outbox.backends.protocol.Monitoring`."""

    def partition_status(self, partition_ids: Sequence[int]) -> list[PartitionStatus]:
        ids = MYSQL.integers(partition_ids)
        with self._source.reading() as session:
            rows = session.query("partition_status", partition_ids=ids).named()
        return [to_status(row) for row in rows]

    def dead_letter_counts(self) -> dict[str, int]:
        with self._source.reading() as session:
            return session.query("count_dead_letters_by_status").mapping("status", "n")

    def query(self, statement: str, **parameters: Any) -> list[Any]:
        with self._source.reading() as session:
            return session.query(statement, **parameters).named()


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
        last_error=decode_text(row.last_error),
        locked_by=row.locked_by,
        locked_for=(until - now).total_seconds() if until and until > now else None,
        delayed=row.delayed,
        overdue=(now - row.first_due).total_seconds() if row.first_due and row.first_due <= now else None,
        retired=bool(row.retired),
    )
