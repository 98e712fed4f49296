"""Sequencing and wake-ups on PostgreSQL: one statement each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from outbox.backends.postgresql.database import Database, int_array
from outbox.backends.postgresql.kept_plans import MANY
from outbox.backends.records import Pending, Sequenced
from outbox.backends.retry import retry_contention
from outbox.statements import Rows

FEW = 16
"""Messages of one partition that a pass may move in any case: a busy partition is no flood."""


@retry_contention
def sequence(
    db: Database, partition_ids: Sequence[int], limit: int, *, channel: str, origin: str, durable: bool
) -> list[Sequenced]:
    """Move incoming messages to outgoing and announce them on ``channel`` unless empty; 1 statement.

    With a plan that the server kept it moves few. When there are many, the next passes are planned for
    themselves and move as many as they may; see `KeptPlans`.
    """
    keep = db.plans.usable("sequence")
    few = max(FEW, MANY // max(len(partition_ids), 1))
    most = min(limit, few) if keep else limit
    rows = db.run(
        "sequence",
        keep=keep,
        count=moved_by,
        partition_ids=int_array(partition_ids),
        limit=most,
        channel=channel,
        origin=origin,
        durable=durable,
    )
    passed = rows.read(Passed)
    held_back = {row.partition_id for row in passed if most <= row.moved < limit}
    if held_back or moved_by(rows) >= MANY:
        db.plans.outgrown("sequence")
    return [
        Sequenced(row.partition_id, row.first_seq, row.moved, more=row.raced or row.partition_id in held_back)
        for row in passed
    ]


class Passed(NamedTuple):
    """A partition that `sequence` locked."""

    partition_id: int
    first_seq: int
    moved: int
    raced: bool


def moved_by(rows: Rows) -> int:
    """Return how many messages a pass moved."""
    return sum(map(rows.getter("moved"), rows))


def pending(db: Database, partition_ids: Sequence[int]) -> list[Pending]:
    """Tell what there is to do; 1 read-only statement."""
    return db.run("pending", partition_ids=int_array(partition_ids)).read(Pending)
