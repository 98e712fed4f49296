"""Registration on MySQL and MariaDB.

Statements: 1 for a queue that exists, which is the usual case.
"""

from __future__ import annotations

from outbox.backends.mysql.session import Operations, Session
from outbox.backends.records import check_resized
from outbox.backends.retry import made, retry_contention
from outbox.statements.dialect import MYSQL


class Queues(Operations):
    """See `outbox.backends.protocol.Queues`."""

    @retry_contention
    def register_queue(self, queue: str, partitions: int) -> list[int]:
        with self._source.reading() as session:
            ids = partition_ids(session, queue)
        if not ids:
            with self._source.writing() as session:
                create(session, queue, partitions)
                ids = made(queue, partition_ids(session, queue))
        if len(ids) != partitions:
            with self._source.reading() as session:
                check_resized(queue, partitions, len(ids), session.query("numbering", queue=queue))
        return ids

    def find_queue(self, partition_id: int) -> tuple[str, int] | None:
        with self._source.reading() as session:
            rows = session.query("find_queue", partition_id=partition_id)
        return next(((row.queue, row.partition) for row in rows.named()), None)


def create(session: Session, queue: str, partitions: int) -> None:
    """Create all of a queue's rows, unless a racing registration has."""
    if not session.change("create_first_partition", queue=queue):
        return
    if partitions > 1:
        session.change("create_other_partitions", queue=queue, indexes=MYSQL.integers(range(1, partitions)))
    session.change("create_cursors", queue=queue)
    session.change("create_vacuum_cursors", queue=queue)


def partition_ids(session: Session, queue: str) -> list[int]:
    """Return the ids in index order."""
    return session.query("queue_partitions", queue=queue).values()
