"""Schema and registration on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from outbox.backends.postgresql.database import Database
from outbox.backends.retry import retry_contention
from outbox.errors import PartitionCountMismatch


@retry_contention
def migrate(db: Database, lock_key: str, pending: Sequence[tuple[str, str]]) -> list[str]:
    """Run what is not applied yet, all in one transaction, one process at a time."""
    with db.transaction() as (conn, _):
        db.on(conn, "lock_migrations", key=lock_key)
        db.on(conn, "create_migrations_table")
        applied = set(db.on(conn, "applied_migrations").values())
        run = [(name, script) for name, script in pending if name not in applied]
        for name, script in run:
            conn.execute(script, prepare=False)
            db.on(conn, "record_migration", name=name)
        return [name for name, _ in run]


@retry_contention
def rollback(db: Database, lock_key: str, scripts: Sequence[tuple[str, str]]) -> list[str]:
    """Undo what is applied, in the order given; the table of migrations goes last."""
    with db.transaction() as (conn, _):
        db.on(conn, "lock_migrations", key=lock_key)
        db.on(conn, "create_migrations_table")
        applied = set(db.on(conn, "applied_migrations").values())
        undone = [(name, script) for name, script in scripts if name in applied]
        for name, script in undone:
            conn.execute(script, prepare=False)
            db.on(conn, "forget_migration", name=name)
        if not db.on(conn, "applied_migrations"):
            db.on(conn, "drop_migrations_table")
        return [name for name, _ in undone]


@retry_contention
def register_queue(db: Database, queue: str, partitions: int) -> list[int]:
    """Create the queue, or compare with the one that is there."""
    with db.transaction() as (conn, _):
        if db.on(conn, "create_first_partition", queue=queue) and partitions > 1:
            db.on(conn, "create_other_partitions", queue=queue, last=partitions - 1)
        ids: list[int] = db.on(conn, "queue_partitions", queue=queue).values()
        if len(ids) != partitions:
            raise PartitionCountMismatch(queue, partitions, len(ids))
        db.on(conn, "create_cursors", queue=queue)
        return ids


def find_queue(db: Database, partition_id: int) -> tuple[str, int] | None:
    """Return ``(queue, index)`` or None."""
    rows = db.run("find_queue", partition_id=partition_id)
    return next(((row.queue, row.partition) for row in rows.named()), None)
