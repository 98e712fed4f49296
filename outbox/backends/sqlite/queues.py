"""Schema and registration on SQLite, where tables are made in transactions like everything else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.database import Database, Session
from outbox.errors import PartitionCountMismatch
from outbox.statements import Rows


def applied_migrations(db: Database) -> list[str] | None:
    """Return the applied migrations, or None when nothing was ever migrated."""
    if not db.read("has_migrations_table").value():
        return None
    return db.read("applied_migrations").values()


@retry_contention
def migrate(db: Database, pending: Sequence[tuple[str, str]]) -> list[str]:
    """Switch to WAL, then run what is not applied yet in one transaction, one process at a time."""
    db.read("use_wal")
    with db.write() as session:
        session.run("create_migrations_table")
        applied = set(session.run("applied_migrations").values())
        run = [(name, script) for name, script in pending if name not in applied]
        for name, script in run:
            execute_script(session, script)
            session.run("record_migration", name=name)
        return [name for name, _ in run]


@retry_contention
def rollback(db: Database, scripts: Sequence[tuple[str, str]]) -> list[str]:
    """Undo what is applied, in the order given; the table of migrations goes last."""
    with db.write() as session:
        session.run("create_migrations_table")
        applied = set(session.run("applied_migrations").values())
        undone = [(name, script) for name, script in scripts if name in applied]
        for name, script in undone:
            execute_script(session, script)
            session.run("forget_migration", name=name)
        if not session.run("applied_migrations"):
            session.run("drop_migrations_table")
        return [name for name, _ in undone]


def execute_script(session: Session, script: str) -> None:
    """Run a script inside the open transaction; ``executescript`` would commit it first."""
    for statement in split(script):
        session.conn.execute(statement)


def split(script: str) -> Iterator[str]:
    """Split a script into statements as SQLite itself would."""
    gathered = ""
    for line in script.splitlines(keepends=True):
        gathered += line
        if sqlite3.complete_statement(gathered):
            yield gathered
            gathered = ""
    if gathered.strip():
        yield gathered


@retry_contention
def register_queue(db: Database, queue: str, partitions: int) -> list[int]:
    """Create the queue, or compare with the one that is there, which needs no write lock."""
    ids = db.read("queue_partitions", queue=queue) or create_queue(db, queue, partitions)
    if len(ids) != partitions:
        raise PartitionCountMismatch(queue, partitions, len(ids))
    return ids.values()


def create_queue(db: Database, queue: str, partitions: int) -> Rows:
    """Make the rows of a queue, unless another one was quicker; return the queue that is there."""
    with db.write() as session:
        if session.run("create_first_partition", queue=queue):
            if partitions > 1:
                session.run("create_other_partitions", queue=queue, last=partitions - 1)
            session.run("create_cursors", queue=queue)
            session.run("create_vacuum_cursors", queue=queue)
        return session.run("queue_partitions", queue=queue)


def find_queue(db: Database, partition_id: int) -> tuple[str, int] | None:
    """Return ``(queue, index)`` or None."""
    rows = db.read("find_queue", partition_id=partition_id)
    return next(((row.queue, row.partition) for row in rows.named()), None)
