"""The leased turn on PostgreSQL.

Statements: `lease_and_read` 1, `settle_and_read` 1, `renew` 1, each its own transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from outbox.backends.postgresql.database import Database, float_array, int_array
from outbox.backends.records import (
    Delivery,
    LeaseRequest,
    Refusal,
    RefusalKind,
    Settled,
    Settlement,
    StoredMessage,
    Taken,
    unbroken,
)
from outbox.backends.retry import retry_contention

PARTITION = itemgetter(0)


@retry_contention
def lease_and_read(
    db: Database,
    requests: Sequence[LeaseRequest],
    token: str,
    lease: float,
    max_bytes: int,
    *,
    cautious: bool,
    alone: bool,
) -> Taken:
    """Lease and read; see `Backend.lease_and_read`."""
    rows = db.run(
        "lease_and_read",
        count=len,
        partition_ids=int_array([request.partition_id for request in requests]),
        limits=int_array([request.limit for request in requests]),
        alone=alone,
        token=token,
        lease=lease,
        cautious=cautious,
        max_bytes=max_bytes,
    )
    taken = Taken([], [])
    for partition_id, group in groupby(rows, PARTITION):
        batch = list(group)
        head = batch[0]
        if head[1] is None:
            taken.refusals.append(refusal(head))
        else:
            messages = unbroken(head[1], [StoredMessage._make(row[5:11]) for row in batch])
            taken.deliveries.append(Delivery(partition_id, head[1], head[2], head[3], messages, head[4]))
    return taken


def refusal(row: Any) -> Refusal:
    """Tell why a partition was not handed out, from what the statement saw of it."""
    partition_id = row[0]
    behind, held_for, attempts, missing_after = row[11:15]
    if not behind:
        return Refusal(partition_id, RefusalKind.IDLE)
    if held_for is not None and held_for > 0:
        return Refusal(partition_id, RefusalKind.HELD, float(held_for))
    if missing_after is not None:
        return Refusal(partition_id, RefusalKind.MISSING, cursor=missing_after)
    if attempts:
        return Refusal(partition_id, RefusalKind.SUSPECT)
    return Refusal(partition_id, RefusalKind.LOCKED)


@retry_contention
def settle_and_read(
    db: Database, settlements: Sequence[Settlement], token: str, lease: float, max_bytes: int
) -> Settled:
    """Settle and read on; see `Backend.settle_and_read`."""
    dead = [(item.partition_id, *letter) for item in settlements for letter in item.dead]
    rows = db.run(
        "settle_and_read",
        count=len,
        partition_ids=int_array([item.partition_id for item in settlements]),
        cursors=int_array([item.cursor for item in settlements]),
        attempts=int_array([item.attempts for item in settlements]),
        errors=[item.last_error for item in settlements],
        limits=int_array([item.next_limit for item in settlements]),
        delays=float_array([item.delay for item in settlements]),
        dead_partitions=int_array([letter[0] for letter in dead]),
        dead_seqs=int_array([letter[1] for letter in dead]),
        dead_reasons=[letter[2] for letter in dead],
        dead_attempts=int_array([letter[3] for letter in dead]),
        token=token,
        lease=lease,
        max_bytes=max_bytes,
    )
    settled = Settled([], [], [])
    for partition_id, group in groupby(rows, PARTITION):
        batch = list(group)
        _, ours, keeps, cursor, *_ = batch[0]
        if not ours:
            settled.lost.append(partition_id)
        elif not keeps:
            settled.released.append(partition_id)
        else:
            messages = unbroken(cursor, [StoredMessage._make(row[4:10]) for row in batch])
            settled.deliveries.append(Delivery(partition_id, cursor, 0, False, messages))
    return settled


@retry_contention
def renew(db: Database, partition_ids: Sequence[int], token: str, lease: float) -> set[int]:
    """Extend the leases that are still ours; 1 statement."""
    rows = db.run("renew", partition_ids=int_array(partition_ids), token=token, lease=lease)
    return {row[0] for row in rows}
