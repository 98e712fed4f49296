"""Sequencing on PostgreSQL: one statement each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from outbox.backends.postgresql.kept_plans import MANY
from outbox.backends.postgresql.session import Operations
from outbox.backends.records import Pending, Sequenced
from outbox.backends.retry import retry_contention
from outbox.statements import Rows
from outbox.statements.dialect import POSTGRESQL

FEW = 16
"""Messages of one partition that a pass may move in any case: a busy partition is no flood."""


class Passed(NamedTuple):
    """A partition that `sequence` locked."""

    partition_id: int
    first_seq: int
    moved: int
    raced: bool


class Sequencing(Operations):
    """See `outbox.backends.protocol.Sequencing`."""

    _channel: str
    _origin: str

    def pending(self, partition_ids: Sequence[int]) -> list[Pending]:
        return self._db.query("pending", partition_ids=POSTGRESQL.integers(partition_ids)).read(Pending)

    @retry_contention
    def sequence(
        self, partition_ids: Sequence[int], limit: int, *, notify: bool = False, durable: bool = True
    ) -> list[Sequenced]:
        # With a plan that the server kept it moves few. When there are many, the next passes are planned for
        # themselves and move as many as they may; see `KeptPlans`.
        plans = self._db.plans
        keep = plans.usable("sequence")
        few = max(FEW, MANY // max(len(partition_ids), 1))
        most = min(limit, few) if keep else limit
        rows = self._db.query(
            "sequence",
            keep=keep,
            count=moved_by,
            partition_ids=POSTGRESQL.integers(partition_ids),
            limit=most,
            channel=self._channel if notify else "",
            origin=self._origin,
            durable=durable,
        )
        passed = rows.read(Passed)
        held_back = {row.partition_id for row in passed if most <= row.moved < limit}
        if held_back or moved_by(rows) >= MANY:
            plans.outgrown("sequence")
        return [
            Sequenced(
                row.partition_id, row.first_seq, row.moved, more=row.raced or row.partition_id in held_back
            )
            for row in passed
        ]


def moved_by(rows: Rows) -> int:
    """Return how many messages a pass moved."""
    return sum(map(rows.getter("moved"), rows))
