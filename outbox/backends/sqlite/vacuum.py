"""The vacuum on SQLite.

Statements: BEGIN, plan, bodies, outgoing, cursors, COMMIT, or 3 when nothing is to be deleted.
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


class Vacuuming(Operations):
    """See `outbox.backends.protocol.Vacuuming`."""

    @retry_contention
    def vacuum(self, partition_ids: Sequence[int], limit: int) -> int:
        ids = SQLITE.integers(partition_ids)
        with self._db.writing() as session:
            planned = session.query("vacuum", partition_ids=ids, limit=limit).read(Planned)
            if planned:
                plan = SQLITE.records(planned)
                session.query("delete_bodies", plan=plan)
                session.query("delete_outgoing", plan=plan)
                session.query("advance_vacuum", plan=plan)
        return sum(row.upto - row.vacuumed_seq for row in planned)
