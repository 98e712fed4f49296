"""The vacuum on SQLite.

Statements: BEGIN, plan, bodies, outgoing, cursors, COMMIT, or 3 when nothing is to be deleted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.database import Database, array


class Planned(NamedTuple):
    """A partition, and after which and up to which number it is to be deleted from."""

    partition_id: int
    vacuumed_seq: int
    upto: int


@retry_contention
def vacuum(db: Database, partition_ids: Sequence[int], limit: int) -> int:
    """Delete processed messages; return how many."""
    with db.write() as session:
        planned = session.run("vacuum", partition_ids=array(partition_ids), limit=limit).read(Planned)
        if planned:
            plan = array(planned)
            session.run("vacuum_bodies", plan=plan)
            session.run("vacuum_outgoing", plan=plan)
            session.run("advance_vacuum", plan=plan)
    return sum(row.upto - row.vacuumed_seq for row in planned)
