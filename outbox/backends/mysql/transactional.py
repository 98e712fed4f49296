"""The transactional turn on MySQL and MariaDB.

Statements: lock + read, then per message 1 for the savepoint and the handler's own, 1 to see after the
last that the transaction is still the same, advance, dead letters only if there are any, COMMIT. A
failure recorded in a transaction of its own: SELECT, UPDATE, COMMIT.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple

from outbox.backends.mysql.batches import Batches, inline_bytes
from outbox.backends.mysql.errors import NO_SUCH_SAVEPOINT, number_of
from outbox.backends.mysql.processor import bury
from outbox.backends.mysql.session import Session
from outbox.backends.mysql.source import Source
from outbox.backends.mysql.text import decoded, digits, microseconds
from outbox.backends.records import Delivery, LeaseRequest, Refusal, RefusalKind, Settlement
from outbox.backends.retry import retry_contention
from outbox.errors import DatabaseError

ENDED = (
    "the transaction that the handler was given has ended: it ran COMMIT, ROLLBACK or a statement that "
    "commits by itself, or lost a deadlock; leave the transaction to the outbox, or use a leased handler"
)


class MysqlTurn:
    """See `outbox.backends.protocol.TransactionalTurn`."""

    def __init__(self, session: Session, delivery: Delivery) -> None:
        self.delivery = delivery
        self.connection: Any = session.lent
        self._session = session
        self._marked = False

    def savepoint(self) -> None:
        self._run("next_savepoint" if self._marked else "set_savepoint")
        self._marked = True

    def seal(self) -> None:
        # The savepoint is there only if the transaction is still the one in which it was set.
        if self._marked:
            self._run("release_savepoint")
            self._marked = False

    def rollback(self) -> None:
        self._run("rollback_to_savepoint")

    def settle(self, settlement: Settlement) -> None:
        self.seal()
        advance(self._session, settlement)
        bury(self._session, [settlement], {settlement.partition_id: self.delivery.cursor})

    def _run(self, statement: str) -> None:
        if not self._session.connection.in_transaction:
            raise DatabaseError(ENDED)
        try:
            self._session.command(statement)
        except DatabaseError as error:
            if number_of(error.__cause__) == NO_SUCH_SAVEPOINT:
                raise DatabaseError(ENDED) from error
            raise


@contextmanager
def transactional_turn(
    source: Source, request: LeaseRequest, max_bytes: int, *, cautious: bool, resting: bool
) -> Iterator[MysqlTurn | Refusal]:
    """Open the transaction, lock and read; see `Backend.transactional_turn`."""
    with source.writing() as session:
        yield open_turn(session, request, max_bytes, cautious=cautious, resting=resting)


def open_turn(
    session: Session, request: LeaseRequest, max_bytes: int, *, cautious: bool, resting: bool
) -> MysqlTurn | Refusal:
    """Lock the processor row and read past its cursor; 1 statement, 1 more for large payloads."""
    rows = session.rows(
        "lock_and_read",
        partition_id=request.partition_id,
        limit=request.limit,
        cautious=cautious,
        resting=resting,
        inline_bytes=inline_bytes(max_bytes, [request.limit]),
    )
    if not rows:
        return Refusal(request.partition_id, RefusalKind.LOCKED)
    batches = Batches(rows, max_bytes)
    [group] = batches.by_partition()
    partition_id, cursor, attempts, unexplained, error, held_for, behind = rows.read(Locked)[0]
    if held_for is not None:
        return Refusal(partition_id, RefusalKind.HELD, max(float(held_for), 0.0))
    batch = batches.within_budget(group, cursor)
    if not batch:
        if behind:
            return Refusal(partition_id, RefusalKind.MISSING, cursor=cursor)
        return Refusal(partition_id, RefusalKind.IDLE)
    [messages] = batches.read(session, [batch])
    return MysqlTurn(
        session, Delivery(partition_id, cursor, attempts, bool(unexplained), messages, decoded(error))
    )


class Locked(NamedTuple):
    """What `lock_and_read` says of the partition, in each of its rows; a message comes beside it."""

    partition_id: int
    processed_seq: int
    attempts: int
    unexplained: int
    last_error: bytes | None
    refused_for: Decimal | None
    behind: int


@retry_contention
def record_failure(source: Source, settlement: Settlement) -> bool:
    """Write the head's failure after its transaction was lost; see `Backend.record_failure`."""
    with source.writing() as session:
        found = session.rows(
            "record_failure", partition_id=settlement.partition_id, cursor_seq=settlement.cursor
        )
        if found:
            advance(session, settlement)
        return bool(found)


def advance(session: Session, settlement: Settlement) -> None:
    """Move the cursor of a row that this transaction holds, and let go of lease and backoff."""
    session.change(
        "advance",
        partition_id=settlement.partition_id,
        cursor_seq=settlement.cursor,
        attempts=settlement.attempts,
        error=digits(settlement.last_error),
        delay_us=microseconds(settlement.delay),
    )
