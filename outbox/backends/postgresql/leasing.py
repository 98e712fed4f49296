"""The leased turn on PostgreSQL.

Statements: `lease_and_read` 1, `settle_and_read` 1, `renew` 1, each its own transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from outbox.backends.parking import park
from outbox.backends.postgresql.batches import Fenced, Leased, by_partition
from outbox.backends.postgresql.session import Operations
from outbox.backends.records import (
    Delivery,
    LeaseRequest,
    LeaseResult,
    Settlement,
    SettleResult,
    StoredMessage,
    unbroken,
)
from outbox.backends.retry import retry_contention
from outbox.statements import Rows
from outbox.statements.dialect import POSTGRESQL


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
        rows = self._db.query(
            "lease_and_read",
            count=len,
            partition_ids=POSTGRESQL.integers(request.partition_id for request in requests),
            limits=POSTGRESQL.integers(request.limit for request in requests),
            solo=solo,
            token=token,
            lease=lease,
            one_if_failed=one_if_failed,
            max_bytes=max_bytes,
        )
        return leased(rows)

    @retry_contention
    def settle_and_read(
        self, settlements: Sequence[Settlement], *, token: str, lease: float, max_bytes: int
    ) -> SettleResult:
        if not any(item.parked for item in settlements):
            return settled(
                self._settle(self._db.query, settlements, token=token, lease=lease, max_bytes=max_bytes)
            )
        # Parking is rare: it is no part of the statement that every batch pays for.
        with self._db.writing() as session:
            ids = POSTGRESQL.integers(item.partition_id for item in settlements)
            # Under the fence, with the rows locked, and with time left for the second statement.
            ours = set(session.query("renew", partition_ids=ids, token=token, lease=lease).values())
            park(session.query, POSTGRESQL, [item for item in settlements if item.partition_id in ours])
            return settled(
                self._settle(session.query, settlements, token=token, lease=lease, max_bytes=max_bytes)
            )

    @staticmethod
    def _settle(query: Callable[..., Rows], settlements: Sequence[Settlement], **turn: Any) -> Rows:
        dead = [letter for item in settlements for letter in item.dead]
        integers = POSTGRESQL.integers
        return query(
            "settle_and_read",
            count=len,
            partition_ids=integers(item.partition_id for item in settlements),
            cursors=integers(item.cursor for item in settlements),
            attempts=integers(item.attempts for item in settlements),
            errors=[item.last_error for item in settlements],
            limits=integers(item.next_limit for item in settlements),
            delays=POSTGRESQL.floats(item.delay for item in settlements),
            dead_partitions=integers(item.partition_id for item in settlements for _ in item.dead),
            dead_seqs=integers(letter.seq for letter in dead),
            dead_reasons=[letter.reason for letter in dead],
            dead_attempts=integers(letter.attempts for letter in dead),
            dead_fingerprints=[letter.fingerprint for letter in dead],
            **turn,
        )

    @retry_contention
    def renew(self, partition_ids: Sequence[int], *, token: str, lease: float) -> set[int]:
        ids = POSTGRESQL.integers(partition_ids)
        return set(self._db.query("renew", partition_ids=ids, token=token, lease=lease).values())


def leased(rows: Rows) -> LeaseResult:
    """Tell what was leased and read from what was refused."""
    result = LeaseResult([], [])
    read_partition, read_messages = rows.reader(Leased), rows.reader(StoredMessage)
    for batch in by_partition(rows):
        [found] = read_partition(batch[:1])
        cursor = found.processed_seq
        if cursor is None:
            result.refusals.append(found.refusal())
        else:
            messages = unbroken(cursor, read_messages(batch))
            head = (found.partition_id, cursor, found.attempts, found.crashed)
            result.deliveries.append(Delivery(*head, messages, found.last_error, found.parking))
    return result


def settled(rows: Rows) -> SettleResult:
    """Tell what was read on from what is released, and from what was not ours any more."""
    result = SettleResult([], [], [])
    read_partition, read_messages = rows.reader(Fenced), rows.reader(StoredMessage)
    for batch in by_partition(rows):
        [found] = read_partition(batch[:1])
        if not found.ours:
            result.lost.append(found.partition_id)
        elif not found.keeps:
            result.released.append(found.partition_id)
        else:
            messages = unbroken(found.cursor_seq, read_messages(batch))
            result.deliveries.append(
                Delivery(
                    found.partition_id,
                    found.cursor_seq,
                    0,
                    crashed=False,
                    messages=messages,
                    parking=found.parking,
                )
            )
    return result
