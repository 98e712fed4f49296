"""Sequencing on SQLite.

Statements: `pending` 1; `sequence` 5 (BEGIN, number, move, clear, COMMIT), or 3 when nothing waits.
"""

from __future__ import annotations

from collections.abc import Sequence

from outbox.backends.records import Pending, Sequenced
from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.database import Database, array


@retry_contention
def pending(db: Database, partition_ids: Sequence[int]) -> list[Pending]:
    """Tell which partitions have something to do."""
    return [
        Pending(partition_id, bool(incoming), bool(behind), bool(dirty))
        for partition_id, incoming, behind, dirty in db.read("pending", partition_ids=array(partition_ids))
    ]


@retry_contention
def sequence(db: Database, partition_ids: Sequence[int], limit: int) -> list[Sequenced]:
    """Move incoming messages to outgoing. No partition is ever locked elsewhere: all come back."""
    moved = dict.fromkeys(partition_ids, (0, 0))
    with db.write() as session:
        rows = session.run("sequence", partition_ids=array(partition_ids), limit=limit)
        if rows:
            moves = array((partition_id, last - n, body_id) for partition_id, last, n, body_id in rows)
            session.run("move_incoming", moves=moves)
            session.run("clear_incoming", moves=moves)
            moved.update((partition_id, (last - n + 1, n)) for partition_id, last, n, _ in rows)
    return [Sequenced(partition_id, *moved[partition_id]) for partition_id in sorted(moved)]
