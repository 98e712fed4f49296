"""Registration on SQLite; a queue that exists is found without the write lock."""

from __future__ import annotations

from outbox.backends.records import check_resized
from outbox.backends.retry import made, retry_contention
from outbox.backends.sqlite.session import Operations


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

    def find_queue(self, partition_id: int) -> tuple[str, int] | None:
        rows = self._db.query("find_queue", partition_id=partition_id)
        return next(((row.queue, row.partition) for row in rows.named()), None)

    def _create(self, queue: str, partitions: int) -> list[int]:
        """Make the rows of a queue, unless another process was quicker; return the queue that is there."""
        with self._db.writing() as session:
            if session.query("create_first_partition", queue=queue):
                if partitions > 1:
                    session.query("create_other_partitions", queue=queue, last=partitions - 1)
                session.query("create_cursors", queue=queue)
                session.query("create_vacuum_cursors", queue=queue)
            return session.query("queue_partitions", queue=queue).values()
