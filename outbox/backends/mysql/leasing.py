"""The leased turn on MySQL and MariaDB.

Statements: `lease_and_read` 3 (SELECT, UPDATE, COMMIT; 2 when nothing was taken), `settle_and_read` 3
(SELECT, UPDATE, COMMIT), `renew` 2 (UPDATE, COMMIT). One more each for dead letters, for payloads
above their share of the byte budget, and for a renewal that found a lease lost. Partitions are
always locked in ascending order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter

from outbox.backends.mysql.batches import Batches, Leased, inline_bytes
from outbox.backends.mysql.session import Operations, Session
from outbox.backends.parking import park
from outbox.backends.records import (
    Delivery,
    LeaseRequest,
    LeaseResult,
    Refusal,
    Settlement,
    SettleResult,
)
from outbox.backends.retry import retry_contention
from outbox.statements import Row, Rows
from outbox.statements.dialect import MYSQL

PARTITION_ID = attrgetter("partition_id")


class Leasing(Operations):
    """See `outbox.backends.protocol.Leasing`."""

    @retry_contention
    def lease_and_read(
        self,
        requests: Sequence[LeaseRequest],
        *,
        token: str,
        lease: float,
        max_bytes: int,
        one_if_failed: bool,
        solo: bool,
    ) -> LeaseResult:
        with self._source.writing() as session:
            rows = session.query(
                "lease_and_read",
                requests=MYSQL.records(sorted(requests)),
                solo=solo,
                one_if_failed=one_if_failed,
                inline_bytes=inline_bytes(max_bytes, (request.limit for request in requests)),
            )
            result = sort_out(session, rows, max_bytes)
            if result.deliveries:
                ids = MYSQL.integers(map(PARTITION_ID, result.deliveries))
                session.change("lease", partition_ids=ids, token=token, lease=lease)
        return result

    @retry_contention
    def settle_and_read(
        self, settlements: Sequence[Settlement], *, token: str, lease: float, max_bytes: int
    ) -> SettleResult:
        items = sorted(settlements, key=PARTITION_ID)
        with self._source.writing() as session:
            rows = session.query(
                "settle_and_read",
                settlements=MYSQL.records(
                    (item.partition_id, item.cursor, item.next_limit) for item in items
                ),
                token=token,
                inline_bytes=inline_bytes(max_bytes, (item.next_limit for item in items)),
            )
            # The rows are locked under the fence; a partition that is not ours has no old cursor.
            old = rows.mapping("partition_id", "old_seq")
            ours = [item for item in items if old[item.partition_id] is not None]
            park(session.change, MYSQL, ours)
            deliveries = read_on(session, rows, ours, max_bytes)
            kept = {delivery.partition_id for delivery in deliveries}
            if ours:
                settle(session, ours, kept, lease)
                insert_dead_letters(session, ours, old)
        return SettleResult(
            deliveries,
            released=[item.partition_id for item in ours if item.partition_id not in kept],
            lost=[item.partition_id for item in items if old[item.partition_id] is None],
        )

    @retry_contention
    def renew(self, partition_ids: Sequence[int], *, token: str, lease: float) -> set[int]:
        ordered = MYSQL.integers(sorted(partition_ids))
        with self._source.writing() as session:
            renewed = session.change("renew", partition_ids=ordered, token=token, lease=lease)
            if renewed == len(partition_ids):
                return set(partition_ids)
            return set(session.query("our_leases", partition_ids=ordered, token=token).values())


def sort_out(session: Session, rows: Rows, max_bytes: int) -> LeaseResult:
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
    return LeaseResult(deliveries, refusals)


def read_on(session: Session, rows: Rows, ours: Sequence[Settlement], max_bytes: int) -> list[Delivery]:
    """Return the next batches of the partitions that are still ours."""
    cursors = {item.partition_id: item.cursor for item in ours}
    batches, partition_of = Batches(rows, max_bytes), rows.getter("partition_id")
    parking = rows.mapping("partition_id", "parking")
    read: dict[int, list[Row]] = {}
    for group in batches.by_partition():
        partition_id = partition_of(group[0])
        if batch := batches.within_budget(group, cursors.get(partition_id)):
            read[partition_id] = batch
    return [
        Delivery(
            partition_id,
            cursors[partition_id],
            0,
            crashed=False,
            messages=messages,
            parking=parking[partition_id],
        )
        for partition_id, messages in zip(read, batches.read(session, read.values()), strict=True)
    ]


def settle(session: Session, items: Sequence[Settlement], kept: Collection[int], lease: float) -> None:
    """Move the cursors of the partitions that are locked under the fence; keep or release the leases."""
    settled = [
        (
            item.partition_id,
            item.cursor,
            item.attempts,
            MYSQL.encode_text(item.last_error),
            int(item.partition_id in kept),
            item.delay,
        )
        for item in items
    ]
    session.change("settle", settlements=MYSQL.records(settled), lease=lease)


def insert_dead_letters(session: Session, items: Sequence[Settlement], old: Mapping[int, int]) -> None:
    """Write the dead letters past the old cursors, if any: those before are written already."""
    dead = [
        (
            item.partition_id,
            letter.seq,
            MYSQL.encode_text(letter.reason),
            letter.attempts,
            MYSQL.encode_text(letter.fingerprint),
        )
        for item in items
        for letter in item.dead
        if letter.seq > old[item.partition_id]
    ]
    if dead:
        session.change("insert_dead_letters", dead=MYSQL.records(dead))
