"""Sequencing on SQLite.

Statements: `pending` 1; `sequence` 5 (BEGIN, number, move, clear, COMMIT), or 3 when nothing waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from outbox.backends.records import Pending, Sequenced
from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.database import Database, array


class Passed(NamedTuple):
    """A partition that `sequence` gave numbers to."""

    partition_id: int
    last_seq: int
    moved: int
    last_body_id: int


@retry_contention
def pending(db: Database, partition_ids: Sequence[int]) -> list[Pending]:
    """Tell which partitions have something to do."""
    return [
        Pending(row.partition_id, bool(row.incoming), bool(row.behind), bool(row.dirty))
        for row in db.read("pending", partition_ids=array(partition_ids)).named()
    ]


@retry_contention
def sequence(db: Database, partition_ids: Sequence[int], limit: int) -> list[Sequenced]:
    """Move incoming messages to outgoing. No partition is ever locked elsewhere: all come back."""
    moved = dict.fromkeys(partition_ids, (0, 0))
    with db.write() as session:
        passed = session.run("sequence", partition_ids=array(partition_ids), limit=limit).read(Passed)
        if passed:
            moves = array((row.partition_id, row.last_seq - row.moved, row.last_body_id) for row in passed)
            session.run("move_incoming", moves=moves)
            session.run("clear_incoming", moves=moves)
            moved.update((row.partition_id, (row.last_seq - row.moved + 1, row.moved)) for row in passed)
    return [Sequenced(partition_id, *moved[partition_id]) for partition_id in sorted(moved)]
