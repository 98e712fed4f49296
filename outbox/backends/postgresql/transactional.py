"""The transactional turn on PostgreSQL.

Statements: BEGIN, lock + read, then per message 1 for the savepoint and the handler's own, advance,
dead letters only if there are any, COMMIT.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from outbox.backends.parking import park
from outbox.backends.postgresql.batches import read_locked
from outbox.backends.postgresql.errors import is_contention
from outbox.backends.postgresql.session import Database, Operations, Session
from outbox.backends.postgresql.user_transaction import UserTransaction
from outbox.backends.records import Delivery, LeaseRequest, Refusal, RefusalKind, Settlement
from outbox.backends.retry import retry_contention
from outbox.statements.dialect import POSTGRESQL


class PostgresTurn:
    """See `outbox.backends.protocol.TransactionalTurn`."""

    def __init__(self, db: Database, session: Session, delivery: Delivery) -> None:
        self.delivery = delivery
        self.connection: Any = session.handler_connection
        self._db = db
        self._session = session
        session.spoiled = True
        self._transaction = UserTransaction(session.connection, session.handler_connection)
        self._step = "set_savepoint"

    def savepoint(self) -> None:
        self._transaction.check_open()
        with self._db.translated():
            self._session.command(self._step)
        self._step = "next_savepoint"

    def seal(self) -> None:
        # The connection knows whether the transaction is sound: this costs no round trip.
        self._transaction.check_sound()

    def rollback(self) -> None:
        self._transaction.check_open()
        with self._db.translated():
            self._session.command("rollback_to_savepoint")

    def settle(self, settlement: Settlement) -> None:
        self._transaction.check_open()
        with self._db.translated():
            park(self._session.query, POSTGRESQL, [settlement])
            self._session.query("advance", **head_of(settlement))
            if settlement.dead:
                self._insert_dead_letters(settlement)

    def _insert_dead_letters(self, settlement: Settlement) -> None:
        self._session.query(
            "insert_dead_letters",
            partition_id=settlement.partition_id,
            dead_seqs=POSTGRESQL.integers(letter.seq for letter in settlement.dead),
            dead_reasons=[letter.reason for letter in settlement.dead],
            dead_attempts=POSTGRESQL.integers(letter.attempts for letter in settlement.dead),
            dead_fingerprints=[letter.fingerprint for letter in settlement.dead],
        )


class Transactions(Operations):
    """See `outbox.backends.protocol.Transactions`."""

    @contextmanager
    def transactional_turn(
        self, request: LeaseRequest, *, max_bytes: int, one_if_failed: bool, ignore_backoff: bool = False
    ) -> Iterator[PostgresTurn | Refusal]:
        with self._db.writing() as session:
            rows = session.query(
                "lock_and_read",
                count=len,
                partition_id=request.partition_id,
                limit=request.limit,
                one_if_failed=one_if_failed,
                ignore_backoff=ignore_backoff,
                max_bytes=max_bytes,
            )
            if not rows:
                yield Refusal(request.partition_id, RefusalKind.LOCKED)
                return
            found = read_locked(rows)
            yield found if isinstance(found, Refusal) else PostgresTurn(self._db, session, found)

    @retry_contention
    def record_failure(self, settlement: Settlement) -> bool:
        return bool(self._db.query("record_failure", **head_of(settlement)))

    def is_contention(self, error: BaseException) -> bool:
        return is_contention(error)


def head_of(settlement: Settlement) -> dict[str, Any]:
    """Return what `advance` and `record_failure` write about the head of a partition."""
    return {
        "partition_id": settlement.partition_id,
        "cursor_seq": settlement.cursor,
        "attempts": settlement.attempts,
        "error": settlement.last_error,
        "delay": settlement.delay,
    }
