"""The vacuum on SQLite.

Statements: BEGIN, plan, bodies, outgoing, cursors, COMMIT, or 3 when nothing is to be deleted; 3 more for
queues that keep what was delivered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.session import Operations
from outbox.statements.dialect import SQLITE


class Planned(NamedTuple):
    """A partition, and after which and up to which number it is to be deleted from."""

    partition_id: int
    vacuumed_seq: int
    upto: int
    delivered_seq: int
    rests_for: int | None
    """How long the queue keeps what was delivered, once all is deleted that was kept for as long."""


class Vacuuming(Operations):
    """See `outbox.backends.protocol.Vacuuming`."""

    @retry_contention
    def vacuum(self, partition_ids: Sequence[int], limit: int) -> int:
        ids = SQLITE.integers(partition_ids)
        with self._db.writing() as session:
            planned = session.query("vacuum", partition_ids=ids, limit=limit).read(Planned)
            plan = SQLITE.records(row[:3] for row in planned if row.upto > row.vacuumed_seq)
            if plan != "[]":
                session.query("delete_bodies", plan=plan)
                session.query("delete_outgoing", plan=plan)
                session.query("advance_vacuum", plan=plan)
            kept = [row for row in planned if row.rests_for is not None]
            if kept:
                notes = SQLITE.records(
                    (row.partition_id, row.delivered_seq, row.upto, row.rests_for) for row in kept
                )
                for step in ("note_delivered", "forget_delivered", "rest_vacuum"):
                    session.query(step, notes=notes)
        return sum(row.upto - row.vacuumed_seq for row in planned)

    @retry_contention
    def forget_keys(self, limit: int) -> int:
        with self._db.writing() as session:
            return len(session.query("forget_keys", limit=limit))
