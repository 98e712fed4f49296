"""The transactional turn on PostgreSQL.

Statements: BEGIN, lock + read, then per message 1 for the savepoint and the handler's own, advance,
dead letters only if there are any, COMMIT.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from psycopg.pq import TransactionStatus

from outbox.backends.postgresql.database import Database, int_array
from outbox.backends.postgresql.sources import PgConnection
from outbox.backends.records import (
    Delivery,
    LeaseRequest,
    Refusal,
    RefusalKind,
    Settlement,
    StoredMessage,
    unbroken,
)
from outbox.backends.retry import retry_contention
from outbox.errors import DatabaseError
from outbox.statements import Rows


class PostgresTurn:
    """See `outbox.backends.protocol.TransactionalTurn`."""

    def __init__(self, db: Database, conn: PgConnection, lent: Any, delivery: Delivery) -> None:
        self.delivery = delivery
        self.connection = lent
        self._db = db
        self._conn = conn
        self._step = "set_savepoint"

    def savepoint(self) -> None:
        self._check_open()
        with self._db.translated():
            self._db.command(self._conn, self._step)
        self._step = "next_savepoint"

    def seal(self) -> None:
        # The connection knows whether the transaction is sound: this costs no round trip.
        self._check_open()
        if self._conn.info.transaction_status == TransactionStatus.INERROR:
            msg = "a statement of the handler failed, and the handler went on as if it had not"
            raise DatabaseError(msg)

    def rollback(self) -> None:
        self._check_open()
        with self._db.translated():
            self._db.command(self._conn, "rollback_to_savepoint")

    def settle(self, settlement: Settlement) -> None:
        self._check_open()
        with self._db.translated():
            self._db.on(
                self._conn,
                "advance",
                partition_id=settlement.partition_id,
                cursor_seq=settlement.cursor,
                attempts=settlement.attempts,
                error=settlement.last_error,
                delay=settlement.delay,
            )
            if settlement.dead:
                self._bury(settlement)

    def _bury(self, settlement: Settlement) -> None:
        self._db.on(
            self._conn,
            "bury",
            partition_id=settlement.partition_id,
            dead_seqs=int_array([letter.seq for letter in settlement.dead]),
            dead_reasons=[letter.reason for letter in settlement.dead],
            dead_attempts=int_array([letter.attempts for letter in settlement.dead]),
        )

    def _check_open(self) -> None:
        if self._conn.info.transaction_status == TransactionStatus.IDLE:
            msg = (
                "the transactional handler ended the transaction that it was given; "
                "leave commit and rollback to the outbox, or use a leased handler"
            )
            raise DatabaseError(msg)


@contextmanager
def transactional_turn(
    db: Database, request: LeaseRequest, max_bytes: int, *, cautious: bool, resting: bool
) -> Iterator[PostgresTurn | Refusal]:
    """Open the transaction, lock and read; see `Backend.transactional_turn`."""
    with db.transaction() as (conn, lent):
        rows = db.on(
            conn,
            "lock_and_read",
            count=len,
            partition_id=request.partition_id,
            limit=request.limit,
            cautious=cautious,
            resting=resting,
            max_bytes=max_bytes,
        )
        if not rows:
            yield Refusal(request.partition_id, RefusalKind.LOCKED)
            return
        found = read_batch(rows)
        yield found if isinstance(found, Refusal) else PostgresTurn(db, conn, lent, found)


class Locked(NamedTuple):
    """What `lock_and_read` says of the partition, in each of its rows; a message comes beside it."""

    partition_id: int
    processed_seq: int
    attempts: int
    unexplained: bool
    last_error: str | None
    refused_for: float | None
    behind: bool


def read_batch(rows: Rows) -> Delivery | Refusal:
    """Tell what the locked partition has to deliver, or why it has nothing."""
    partition_id, cursor, attempts, unexplained, last_error, held_for, behind = rows.read(Locked)[0]
    if held_for is not None:
        return Refusal(partition_id, RefusalKind.HELD, max(float(held_for), 0.0))
    seq_of = rows.getter("seq")
    found = rows.reader(StoredMessage)(row for row in rows if seq_of(row) is not None)
    messages = unbroken(cursor, found)
    if messages:
        return Delivery(partition_id, cursor, attempts, unexplained, messages, last_error)
    if behind:
        return Refusal(partition_id, RefusalKind.MISSING, cursor=cursor)
    return Refusal(partition_id, RefusalKind.IDLE)


@retry_contention
def record_failure(db: Database, settlement: Settlement) -> bool:
    """Write the head's failure after its transaction was lost; 1 statement."""
    rows = db.run(
        "record_failure",
        partition_id=settlement.partition_id,
        cursor_seq=settlement.cursor,
        attempts=settlement.attempts,
        error=settlement.last_error,
        delay=settlement.delay,
    )
    return bool(rows)
