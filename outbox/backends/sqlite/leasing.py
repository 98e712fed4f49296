"""The leased turn on SQLite.

Statements: `lease_and_read` BEGIN, examine, 1 a partition that is free, lease, COMMIT;
`settle_and_read` BEGIN, fence, dead letters only if there are any, 1 a partition to read on, settle,
COMMIT; `renew` BEGIN, 1, COMMIT. None of them is a round trip.
"""

from __future__ import annotations

from collections.abc import Sequence

from outbox.backends.parking import park
from outbox.backends.records import Delivery, LeaseRequest, LeaseResult, Settlement, SettleResult
from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.batches import examine, read_batch
from outbox.backends.sqlite.session import Operations, Session
from outbox.statements.dialect import SQLITE


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
        limits = dict(requests)
        result = LeaseResult([], [])
        with self._db.writing() as session:
            for examined in examine(session, limits):
                found = examined.refusal(solo=solo) or examined.delivery(
                    session,
                    examined.limit(limits[examined.partition_id], one_if_failed=one_if_failed),
                    max_bytes,
                )
                if isinstance(found, Delivery):
                    result.deliveries.append(found)
                else:
                    result.refusals.append(found)
            if result.deliveries:
                ids = SQLITE.integers(delivery.partition_id for delivery in result.deliveries)
                session.query("lease", partition_ids=ids, token=token, lease=lease)
        return result

    @retry_contention
    def settle_and_read(
        self, settlements: Sequence[Settlement], *, token: str, lease: float, max_bytes: int
    ) -> SettleResult:
        result = SettleResult([], [], [])
        wanted = SQLITE.records((item.partition_id, item.cursor) for item in settlements)
        with self._db.writing() as session:
            fence = session.query("check_fence", settlements=wanted, token=token)
            cursors = fence.mapping("partition_id", "processed_seq")
            parking = fence.mapping("partition_id", "parking")
            ours = [item for item in settlements if item.partition_id in cursors]
            result.lost.extend(item.partition_id for item in settlements if item.partition_id not in cursors)
            insert_dead_letters(session, ours, cursors)
            park(session.query, SQLITE, ours)
            for item in ours:
                messages = read_batch(session, item.partition_id, item.cursor, item.next_limit, max_bytes)
                if messages:
                    place = (item.partition_id, item.cursor, 0, False, messages)
                    result.deliveries.append(Delivery(*place, parking=parking[item.partition_id]))
                else:
                    result.released.append(item.partition_id)
            settle(session, ours, {delivery.partition_id for delivery in result.deliveries}, lease)
        return result

    @retry_contention
    def renew(self, partition_ids: Sequence[int], *, token: str, lease: float) -> set[int]:
        ids = SQLITE.integers(partition_ids)
        with self._db.writing() as session:
            return set(session.query("renew", partition_ids=ids, token=token, lease=lease).values())


def settle(session: Session, settlements: Sequence[Settlement], kept: set[int], lease: float) -> None:
    """Move the cursors of the partitions that passed the fence; keep or release the leases."""
    rows = (
        (
            item.partition_id,
            item.cursor,
            item.attempts,
            item.last_error,
            item.delay,
            item.partition_id in kept,
        )
        for item in settlements
    )
    session.query("settle", settlements=SQLITE.records(rows), lease=lease)


def insert_dead_letters(session: Session, settlements: Sequence[Settlement], cursors: dict[int, int]) -> None:
    """Write the dead letters above the old cursors: a settlement that is repeated writes none."""
    dead = [
        (item.partition_id, letter.seq, letter.reason, letter.attempts, letter.fingerprint)
        for item in settlements
        for letter in item.dead
        if letter.seq > cursors[item.partition_id]
    ]
    if dead:
        session.query("insert_dead_letters", dead=SQLITE.records(dead))
