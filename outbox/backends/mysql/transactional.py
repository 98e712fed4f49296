"""The transactional turn on MySQL and MariaDB.

Statements: lock + read, then per message 1 for the savepoint and the handler's own, 1 to see after the
last that the transaction is still the same, advance, dead letters only if there are any, COMMIT. A
failure recorded in a transaction of its own: SELECT, UPDATE, COMMIT.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from outbox.backends.engines import watch
from outbox.backends.mysql.batches import Batches, Locked, inline_bytes
from outbox.backends.mysql.errors import NO_SUCH_SAVEPOINT, is_contention, number_of
from outbox.backends.mysql.leasing import insert_dead_letters
from outbox.backends.mysql.session import Operations, Session
from outbox.backends.parking import park
from outbox.backends.records import Delivery, LeaseRequest, Refusal, RefusalKind, Settlement
from outbox.backends.retry import retry_contention
from outbox.errors import DatabaseError
from outbox.statements import Rows
from outbox.statements.dialect import MYSQL, decode_text

ENDED = (
    "the transaction was ended by the code that was given it: it ran COMMIT, ROLLBACK or a statement that "
    "commits by itself, or lost a deadlock; leave commit and rollback to the outbox, or use a leased handler "
    "or a connection of your own"
)


class MysqlTurn:
    """See `outbox.backends.protocol.TransactionalTurn`."""

    def __init__(self, session: Session, delivery: Delivery) -> None:
        self.delivery = delivery
        self.connection: Any = session.handler_connection
        self._session = session
        session.spoiled = True
        self._is_the_same = watch(session.handler_connection)
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
        park(self._session.change, MYSQL, [settlement])
        advance(self._session, settlement)
        insert_dead_letters(self._session, [settlement], {settlement.partition_id: self.delivery.cursor})

    def _run(self, statement: str) -> None:
        if not self._is_the_same() or not self._session.in_transaction:
            raise DatabaseError(ENDED)
        on_savepoint(self._session, statement)


def on_savepoint(session: Session, statement: str) -> None:
    """Run a statement that fails when the transaction is not the one in which the savepoint was set."""
    try:
        session.command(statement)
    except DatabaseError as error:
        if number_of(error.__cause__) == NO_SUCH_SAVEPOINT:
            raise DatabaseError(ENDED) from error
        raise


class Transactions(Operations):
    """See `outbox.backends.protocol.Transactions`."""

    @contextmanager
    def transactional_turn(
        self, request: LeaseRequest, *, max_bytes: int, one_if_failed: bool, ignore_backoff: bool = False
    ) -> Iterator[MysqlTurn | Refusal]:
        with self._source.writing() as session:
            rows = session.query(
                "lock_and_read",
                partition_id=request.partition_id,
                limit=request.limit,
                one_if_failed=one_if_failed,
                ignore_backoff=ignore_backoff,
                inline_bytes=inline_bytes(max_bytes, [request.limit]),
            )
            if not rows:
                yield Refusal(request.partition_id, RefusalKind.LOCKED)
                return
            found = read_locked(session, rows, max_bytes)
            yield found if isinstance(found, Refusal) else MysqlTurn(session, found)

    @retry_contention
    def record_failure(self, settlement: Settlement) -> bool:
        with self._source.writing() as session:
            found = session.query(
                "record_failure", partition_id=settlement.partition_id, cursor_seq=settlement.cursor
            )
            if found:
                advance(session, settlement)
            return bool(found)

    def is_contention(self, error: BaseException) -> bool:
        return is_contention(error)


def read_locked(session: Session, rows: Rows, max_bytes: int) -> Delivery | Refusal:
    """Read past the locked partition's cursor, or tell why it has nothing; 1 statement for large payloads."""
    batches = Batches(rows, max_bytes)
    [group] = batches.by_partition()
    # The one of the first message, which alone has the last error.
    [found] = rows.reader(Locked)(group[:1])
    partition_id, cursor = found.partition_id, found.processed_seq
    if found.refused_for is not None:
        return Refusal(partition_id, RefusalKind.HELD, max(float(found.refused_for), 0.0))
    batch = batches.within_budget(group, cursor)
    if not batch:
        if found.behind:
            return Refusal(partition_id, RefusalKind.MISSING, cursor=cursor)
        return Refusal(partition_id, RefusalKind.IDLE)
    [messages] = batches.read(session, [batch])
    head = (partition_id, cursor, found.attempts, bool(found.crashed))
    return Delivery(*head, messages, decode_text(found.last_error), found.parking)


def advance(session: Session, settlement: Settlement) -> None:
    """Move the cursor of a row that this transaction holds, and let go of lease and backoff."""
    session.change(
        "advance",
        partition_id=settlement.partition_id,
        cursor_seq=settlement.cursor,
        attempts=settlement.attempts,
        error=MYSQL.encode_text(settlement.last_error),
        delay=settlement.delay,
    )
