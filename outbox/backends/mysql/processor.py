"""The leased turn on MySQL and MariaDB.

Statements: `lease_and_read` 3 (SELECT, UPDATE, COMMIT; 2 when nothing was taken), `settle_and_read` 3
(SELECT, UPDATE, COMMIT), `renew` 2 (UPDATE, COMMIT). One more each for dead letters, for payloads
above their share of the byte budget, and for a renewal that found a lease lost. Partitions are
always locked in ascending order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from outbox.backends.mysql.batches import Batches, inline_bytes
from outbox.backends.mysql.session import Session
from outbox.backends.mysql.source import Source
from outbox.backends.mysql.text import decoded, digits, integers, microseconds, records
from outbox.backends.records import (
    Delivery,
    LeaseRequest,
    Refusal,
    RefusalKind,
    Settled,
    Settlement,
    StoredMessage,
    Taken,
)
from outbox.backends.retry import retry_contention
from outbox.statements import Row, Rows

PARTITION_ID = attrgetter("partition_id")


class Terms(NamedTuple):
    """What the partitions of one call have in common."""

    token: str
    lease: float
    max_bytes: int


@retry_contention
def lease_and_read(
    source: Source, requests: Sequence[LeaseRequest], terms: Terms, *, cautious: bool, alone: bool
) -> Taken:
    """Lease and read; see `Backend.lease_and_read`."""
    with source.writing() as session:
        rows = session.rows(
            "lease_and_read",
            requests=records(sorted(requests)),
            alone=alone,
            cautious=cautious,
            inline_bytes=inline_bytes(terms.max_bytes, (request.limit for request in requests)),
        )
        taken = sort_out(session, rows, terms.max_bytes)
        if taken.deliveries:
            session.change(
                "start_leases",
                partition_ids=integers(map(PARTITION_ID, taken.deliveries)),
                token=terms.token,
                lease_us=microseconds(terms.lease),
            )
    return taken


class Leased(NamedTuple):
    """What `lease_and_read` says of a partition, in each of its rows; a message comes beside it."""

    partition_id: int
    processed_seq: int | None
    """None: it was not locked."""
    attempts: int
    unexplained: int
    last_error: bytes | None
    refused_behind: int | None
    refused_for: Decimal | None
    refused_attempts: int | None

    def refusal(self) -> Refusal:
        """Tell why the partition was not handed out, from what the statement saw of it."""
        if self.processed_seq is not None:  # it was locked, and its next row is not there
            return Refusal(self.partition_id, RefusalKind.MISSING, cursor=self.processed_seq)
        if not self.refused_behind:
            return Refusal(self.partition_id, RefusalKind.IDLE)
        if self.refused_for is not None and self.refused_for > 0:
            return Refusal(self.partition_id, RefusalKind.HELD, float(self.refused_for))
        if self.refused_attempts:
            return Refusal(self.partition_id, RefusalKind.SUSPECT)
        return Refusal(self.partition_id, RefusalKind.LOCKED)

    def delivery(self, messages: list[StoredMessage]) -> Delivery:
        """Return the partition with the batch that was read."""
        assert self.processed_seq is not None
        return Delivery(
            self.partition_id,
            self.processed_seq,
            self.attempts,
            bool(self.unexplained),
            messages,
            decoded(self.last_error),
        )


def sort_out(session: Session, rows: Rows, max_bytes: int) -> Taken:
    """Tell what was locked and read from what was refused."""
    batches, read_partition = Batches(rows, max_bytes), rows.reader(Leased)
    read: list[tuple[Leased, list[Row]]] = []
    refusals: list[Refusal] = []
    for group in batches.by_partition():
        [found] = read_partition(group[:1])
        if batch := batches.within_budget(group, found.processed_seq):
            read.append((found, batch))
        else:
            refusals.append(found.refusal())
    messages = batches.read(session, (batch for _, batch in read))
    deliveries = [found.delivery(batch) for (found, _), batch in zip(read, messages, strict=True)]
    return Taken(deliveries, refusals)


@retry_contention
def settle_and_read(source: Source, settlements: Sequence[Settlement], terms: Terms) -> Settled:
    """Settle and read on; see `Backend.settle_and_read`."""
    items = sorted(settlements, key=PARTITION_ID)
    with source.writing() as session:
        old, batches = lock_and_read_on(session, items, terms)
        ours = [item for item in items if old[item.partition_id] is not None]
        if ours:
            settle(session, ours, batches.keys(), terms.lease)
            bury(session, ours, old)
    cursors = {item.partition_id: item.cursor for item in ours}
    return Settled(
        deliveries=[
            Delivery(partition_id, cursors[partition_id], 0, unexplained=False, messages=batch)
            for partition_id, batch in batches.items()
        ],
        released=[item.partition_id for item in ours if item.partition_id not in batches],
        lost=[item.partition_id for item in items if old[item.partition_id] is None],
    )


def lock_and_read_on(
    session: Session, items: Sequence[Settlement], terms: Terms
) -> tuple[dict[int, int], dict[int, list[StoredMessage]]]:
    """Lock what is still ours; return the cursors before (None: lost) and the next batches."""
    rows = session.rows(
        "settle_and_read",
        settlements=records([(item.partition_id, item.cursor, item.next_limit) for item in items]),
        token=terms.token,
        inline_bytes=inline_bytes(terms.max_bytes, (item.next_limit for item in items)),
    )
    cursors = {item.partition_id: item.cursor for item in items}
    old: dict[int, int] = {}
    read: dict[int, list[Row]] = {}
    batches, read_partition = Batches(rows, terms.max_bytes), rows.getter("partition_id", "old_seq")
    for group in batches.by_partition():
        partition_id, old[partition_id] = read_partition(group[0])
        if batch := batches.within_budget(group, cursors[partition_id]):
            read[partition_id] = batch
    return old, dict(zip(read, batches.read(session, read.values()), strict=True))


def settle(session: Session, items: Sequence[Settlement], kept: Collection[int], lease: float) -> None:
    """Move the cursors of the partitions that are locked under the fence; keep or release the leases."""
    settled = [
        (
            item.partition_id,
            item.cursor,
            item.attempts,
            digits(item.last_error),
            int(item.partition_id in kept),
            microseconds(item.delay),
        )
        for item in items
    ]
    session.change("settle", settlements=records(settled), lease_us=microseconds(lease))


def bury(session: Session, items: Sequence[Settlement], old: Mapping[int, int]) -> None:
    """Write the dead letters past the old cursors, if any: those before are written already."""
    dead = [
        (item.partition_id, letter.seq, digits(letter.reason), letter.attempts)
        for item in items
        for letter in item.dead
        if letter.seq > old[item.partition_id]
    ]
    if dead:
        session.change("bury", dead=records(dead))


@retry_contention
def renew(source: Source, partition_ids: Sequence[int], token: str, lease: float) -> set[int]:
    """Extend the leases that are still ours; see `Backend.renew`."""
    ordered = integers(sorted(partition_ids))
    with source.writing() as session:
        renewed = session.change("renew", partition_ids=ordered, token=token, lease_us=microseconds(lease))
        if renewed == len(partition_ids):
            return set(partition_ids)
        return set(session.rows("our_leases", partition_ids=ordered, token=token).values())
