"""Sequencing and wake-ups on PostgreSQL: one statement each."""

from __future__ import annotations

from collections.abc import Sequence

from outbox.backends.postgres.database import Database, int_array
from outbox.backends.records import Pending, Sequenced
from outbox.backends.retry import retry_contention


@retry_contention
def sequence(
    db: Database, partition_ids: Sequence[int], limit: int, *, channel: str, origin: str, durable: bool
) -> list[Sequenced]:
    """Move incoming messages to outgoing and announce them on ``channel`` unless empty; 1 statement."""
    rows = db.run(
        "sequence",
        partition_ids=int_array(partition_ids),
        limit=limit,
        channel=channel,
        origin=origin,
        durable=durable,
    )
    return [Sequenced(*row[:4]) for row in rows]


def pending(db: Database, partition_ids: Sequence[int]) -> list[Pending]:
    """Tell what there is to do; 1 read-only statement."""
    return [Pending(*row) for row in db.run("pending", partition_ids=int_array(partition_ids))]
