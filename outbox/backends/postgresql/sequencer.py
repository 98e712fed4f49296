"""Sequencing and wake-ups on PostgreSQL: one statement each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from outbox.backends.postgresql.database import Database, int_array
from outbox.backends.postgresql.kept_plans import MANY
from outbox.backends.records import Pending, Sequenced
from outbox.backends.retry import retry_contention

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
    held_back = {partition_id for partition_id, _, moved, *_ in rows if most <= moved < limit}
    if held_back or moved_by(rows) >= MANY:
        db.plans.outgrown("sequence")
    return [
        Sequenced(partition_id, first_seq, moved, more=raced or partition_id in held_back)
        for partition_id, first_seq, moved, raced, _ in rows
    ]


def moved_by(rows: list[Any]) -> int:
    """Return how many messages a pass moved."""
    return sum(row[2] for row in rows)


def pending(db: Database, partition_ids: Sequence[int]) -> list[Pending]:
    """Tell what there is to do; 1 read-only statement."""
    return [Pending(*row) for row in db.run("pending", partition_ids=int_array(partition_ids))]
