"""Registration on PostgreSQL.

Statements: 1 for a queue that exists, which is the usual case and needs no right but SELECT.
"""

from __future__ import annotations

from outbox.backends.postgresql.session import Operations
from outbox.backends.records import check_resized
from outbox.backends.retry import made, retry_contention


class Queues(Operations):
    """See `outbox.backends.protocol.Queues`."""

    @retry_contention
    def register_queue(self, queue: str, partitions: int) -> list[int]:
        ids: list[int] = self._db.query("queue_partitions", queue=queue).values()
        if not ids:
            ids = made(queue, self._create(queue, partitions))
        if len(ids) != partitions:
            check_resized(queue, partitions, len(ids), self._db.query("numbering", queue=queue))
        return ids

    def _create(self, queue: str, partitions: int) -> list[int]:
        """Create all of a queue's rows, unless a racing registration has."""
        with self._db.writing() as session:
            if session.query("create_first_partition", queue=queue):
                if partitions > 1:
                    session.query("create_other_partitions", queue=queue, last=partitions - 1)
                session.query("create_cursors", queue=queue)
            ids: list[int] = session.query("queue_partitions", queue=queue).values()
            return ids

    def find_queue(self, partition_id: int) -> tuple[str, int] | None:
        rows = self._db.query("find_queue", partition_id=partition_id)
        return next(((row.queue, row.partition) for row in rows.named()), None)
