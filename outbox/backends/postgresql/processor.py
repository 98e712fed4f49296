"""The leased turn on PostgreSQL.

Statements: `lease_and_read` 1, `settle_and_read` 1, `renew` 1, each its own transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

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
from outbox.statements import Row, Rows


class Leased(NamedTuple):
    """What `lease_and_read` says of a partition, in each of its rows; a message comes beside it."""

    partition_id: int
    processed_seq: int | None
    """None: it was not leased."""
    attempts: int
    unexplained: bool
    last_error: str | None
    refused_behind: bool | None
    refused_for: float | None
    refused_attempts: int | None
    missing_after: int | None

    def refusal(self) -> Refusal:
        """Tell why the partition was not handed out, from what the statement saw of it."""
        if not self.refused_behind:
            return Refusal(self.partition_id, RefusalKind.IDLE)
        if self.refused_for is not None and self.refused_for > 0:
            return Refusal(self.partition_id, RefusalKind.HELD, float(self.refused_for))
        if self.missing_after is not None:
            return Refusal(self.partition_id, RefusalKind.MISSING, cursor=self.missing_after)
        if self.refused_attempts:
            return Refusal(self.partition_id, RefusalKind.SUSPECT)
        return Refusal(self.partition_id, RefusalKind.LOCKED)


class Fenced(NamedTuple):
    """What `settle_and_read` says of a partition, in each of its rows; a message comes beside it."""

    partition_id: int
    ours: bool
    keeps: bool | None
    cursor_seq: int


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
    read_partition, read_messages = rows.reader(Leased), rows.reader(StoredMessage)
    for batch in by_partition(rows):
        [found] = read_partition(batch[:1])
        cursor = found.processed_seq
        if cursor is None:
            taken.refusals.append(found.refusal())
        else:
            messages = unbroken(cursor, read_messages(batch))
            taken.deliveries.append(
                Delivery(
                    found.partition_id, cursor, found.attempts, found.unexplained, messages, found.last_error
                )
            )
    return taken


def by_partition(rows: Rows) -> Iterator[list[Row]]:
    """Yield the rows of each partition; a statement returns them next to each other."""
    for _, batch in groupby(rows, rows.getter("partition_id")):
        yield list(batch)


@retry_contention
def settle_and_read(
    db: Database, settlements: Sequence[Settlement], token: str, lease: float, max_bytes: int
) -> Settled:
    """Settle and read on; see `Backend.settle_and_read`."""
    dead = [letter for item in settlements for letter in item.dead]
    rows = db.run(
        "settle_and_read",
        count=len,
        partition_ids=int_array([item.partition_id for item in settlements]),
        cursors=int_array([item.cursor for item in settlements]),
        attempts=int_array([item.attempts for item in settlements]),
        errors=[item.last_error for item in settlements],
        limits=int_array([item.next_limit for item in settlements]),
        delays=float_array([item.delay for item in settlements]),
        dead_partitions=int_array([item.partition_id for item in settlements for _ in item.dead]),
        dead_seqs=int_array([letter.seq for letter in dead]),
        dead_reasons=[letter.reason for letter in dead],
        dead_attempts=int_array([letter.attempts for letter in dead]),
        token=token,
        lease=lease,
        max_bytes=max_bytes,
    )
    settled = Settled([], [], [])
    read_partition, read_messages = rows.reader(Fenced), rows.reader(StoredMessage)
    for batch in by_partition(rows):
        [(partition_id, ours, keeps, cursor)] = read_partition(batch[:1])
        if not ours:
            settled.lost.append(partition_id)
        elif not keeps:
            settled.released.append(partition_id)
        else:
            messages = unbroken(cursor, read_messages(batch))
            settled.deliveries.append(Delivery(partition_id, cursor, 0, False, messages))
    return settled


@retry_contention
def renew(db: Database, partition_ids: Sequence[int], token: str, lease: float) -> set[int]:
    """Extend the leases that are still ours; 1 statement."""
    rows = db.run("renew", partition_ids=int_array(partition_ids), token=token, lease=lease)
    return set(rows.values())
