"""Registration on MySQL and MariaDB."""

from __future__ import annotations

from outbox.backends.mysql.session import Session
from outbox.backends.mysql.source import Source
from outbox.backends.mysql.text import integers
from outbox.backends.retry import retry_contention
from outbox.errors import PartitionCountMismatch


@retry_contention
def register_queue(source: Source, queue: str, partitions: int) -> list[int]:
    """Create the queue, or compare with the one that is there; see `Backend.register_queue`.

    1 statement for a queue that exists, which is the usual case.
    """
    with source.reading() as session:
        ids = partition_ids(session, queue)
    if not ids:
        with source.writing() as session:
            create(session, queue, partitions)
            ids = partition_ids(session, queue)
    if len(ids) != partitions:
        raise PartitionCountMismatch(queue, partitions, len(ids))
    return ids


def create(session: Session, queue: str, partitions: int) -> None:
    """Create all of a queue's rows, unless a racing registration has."""
    if not session.change("create_first_partition", queue=queue):
        return
    if partitions > 1:
        session.change("create_other_partitions", queue=queue, indexes=integers(range(1, partitions)))
    session.change("create_cursors", queue=queue)
    session.change("create_vacuum_cursors", queue=queue)


def partition_ids(session: Session, queue: str) -> list[int]:
    """Return the ids in index order."""
    return session.rows("queue_partitions", queue=queue).values()


def find_queue(source: Source, partition_id: int) -> tuple[str, int] | None:
    """Return ``(queue, index)`` or None."""
    with source.reading() as session:
        rows = session.rows("find_queue", partition_id=partition_id)
    return next(((row.queue, row.partition) for row in rows.named()), None)
