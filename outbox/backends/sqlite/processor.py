"""The leased turn on SQLite.

Statements: `lease_and_read` BEGIN, examine, 1 a partition that is free, lease, COMMIT;
`settle_and_read` BEGIN, fence, dead letters only if there are any, 1 a partition to read on, settle,
COMMIT; `renew` BEGIN, 1, COMMIT. None of them is a round trip.
"""

from __future__ import annotations

from collections.abc import Sequence

from outbox.backends.records import Delivery, LeaseRequest, Settled, Settlement, Taken
from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.database import Database, Session, array
from outbox.backends.sqlite.reading import examine, read_batch


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
    limits = dict(requests)
    taken = Taken([], [])
    with db.write() as session:
        for standing in examine(session, limits):
            found = standing.refusal(alone=alone) or standing.delivery(
                session, standing.limit(limits[standing.partition_id], cautious=cautious), max_bytes
            )
            if isinstance(found, Delivery):
                taken.deliveries.append(found)
            else:
                taken.refusals.append(found)
        if taken.deliveries:
            leased = array(delivery.partition_id for delivery in taken.deliveries)
            session.run("lease", partition_ids=leased, token=token, lease=lease)
    return taken


@retry_contention
def settle_and_read(
    db: Database, settlements: Sequence[Settlement], token: str, lease: float, max_bytes: int
) -> Settled:
    """Settle and read on; see `Backend.settle_and_read`."""
    settled = Settled([], [], [])
    with db.write() as session:
        partition_ids = array(item.partition_id for item in settlements)
        fence = session.run("check_fence", partition_ids=partition_ids, token=token)
        cursors = fence.mapping("partition_id", "processed_seq")
        ours = [item for item in settlements if item.partition_id in cursors]
        settled.lost.extend(item.partition_id for item in settlements if item.partition_id not in cursors)
        bury(session, ours, cursors)
        for item in ours:
            cursor = max(item.cursor, cursors[item.partition_id])
            messages = read_batch(session, item.partition_id, cursor, item.next_limit, max_bytes)
            if messages:
                settled.deliveries.append(Delivery(item.partition_id, cursor, 0, False, messages))
            else:
                settled.released.append(item.partition_id)
        kept = {delivery.partition_id for delivery in settled.deliveries}
        rows = (
            (
                item.partition_id,
                item.cursor,
                item.attempts,
                item.last_error,
                item.delay,
                item.partition_id in kept,
            )
            for item in ours
        )
        session.run("settle", settlements=array(rows), lease=lease)
    return settled


def bury(session: Session, settlements: Sequence[Settlement], cursors: dict[int, int]) -> None:
    """Write the dead letters above the old cursors: a settlement that is repeated writes none."""
    dead = [
        (item.partition_id, *letter)
        for item in settlements
        for letter in item.dead
        if letter.seq > cursors[item.partition_id]
    ]
    if dead:
        session.run("bury", dead=array(dead))


@retry_contention
def renew(db: Database, partition_ids: Sequence[int], token: str, lease: float) -> set[int]:
    """Extend the leases that are still ours."""
    with db.write() as session:
        rows = session.run("renew", partition_ids=array(partition_ids), token=token, lease=lease)
    return set(rows.values())
