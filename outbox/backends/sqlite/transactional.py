"""The transactional turn on SQLite.

Statements: BEGIN, examine, read, then per message 2 for the savepoint and the handler's own, advance,
dead letters only if there are any, COMMIT. The write lock is held from BEGIN to COMMIT.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from outbox.backends.engines import watch
from outbox.backends.parking import park
from outbox.backends.records import Delivery, LeaseRequest, Refusal, RefusalKind, Settlement
from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.batches import examine
from outbox.backends.sqlite.errors import is_contention, translated
from outbox.backends.sqlite.leasing import insert_dead_letters
from outbox.backends.sqlite.session import Operations, Session
from outbox.backends.sqlite.sources import check_open, ended
from outbox.statements.dialect import SQLITE


class SqliteTurn:
    """See `outbox.backends.protocol.TransactionalTurn`."""

    def __init__(self, session: Session, delivery: Delivery) -> None:
        self.delivery = delivery
        self.connection: Any = session.handler_connection
        self._session = session
        session.spoiled = True
        self._is_the_same = watch(session.handler_connection)
        self._marked = False

    def savepoint(self) -> None:
        self._release()
        with translated():
            self._session.query("set_savepoint")
        self._marked = True

    def seal(self) -> None:
        # The savepoint is there only if the message's transaction is still the one that began here.
        if self._marked:
            self.savepoint()
        else:
            self._check_open()

    def rollback(self) -> None:
        self._on_savepoint("rollback_to_savepoint")

    def settle(self, settlement: Settlement) -> None:
        self._release()
        with translated():
            park(self._session.query, SQLITE, [settlement])
            self._session.query("advance", **head_of(settlement))
            insert_dead_letters(self._session, [settlement], {settlement.partition_id: self.delivery.cursor})

    def _release(self) -> None:
        self._check_open()
        if self._marked:
            self._on_savepoint("release_savepoint")
            self._marked = False

    def _check_open(self) -> None:
        if not self._is_the_same():
            raise ended()
        check_open(self._session.connection)

    def _on_savepoint(self, statement: str) -> None:
        self._check_open()
        on_savepoint(self._session, statement)


def on_savepoint(session: Session, statement: str) -> None:
    """Run a statement that fails when its user committed, even if it began anew afterwards."""
    check_open(session.connection)
    try:
        session.query(statement)
    except sqlite3.Error as error:
        raise ended() from error


class Transactions(Operations):
    """See `outbox.backends.protocol.Transactions`."""

    @contextmanager
    def transactional_turn(
        self, request: LeaseRequest, *, max_bytes: int, one_if_failed: bool, ignore_backoff: bool = False
    ) -> Iterator[SqliteTurn | Refusal]:
        with self._db.handing_over() as session:
            with translated():
                found = read_locked(
                    session, request, max_bytes, one_if_failed=one_if_failed, ignore_backoff=ignore_backoff
                )
            yield found if isinstance(found, Refusal) else SqliteTurn(session, found)

    @retry_contention
    def record_failure(self, settlement: Settlement) -> bool:
        with self._db.writing() as session:
            return bool(session.query("record_failure", **head_of(settlement)))

    def is_contention(self, error: BaseException) -> bool:
        return is_contention(error)


def read_locked(
    session: Session, request: LeaseRequest, max_bytes: int, *, one_if_failed: bool, ignore_backoff: bool
) -> Delivery | Refusal:
    """Read the partition's batch, unless a lease or backoff holds it."""
    for examined in examine(session, [request.partition_id]):
        return examined.refusal(solo=True, ignore_backoff=ignore_backoff) or examined.delivery(
            session, examined.limit(request.limit, one_if_failed=one_if_failed), max_bytes
        )
    # No such partition: as the other backends say it.
    return Refusal(request.partition_id, RefusalKind.LOCKED)


def head_of(settlement: Settlement) -> dict[str, Any]:
    """Return what `advance` and `record_failure` write about the head of a partition."""
    return {
        "partition_id": settlement.partition_id,
        "cursor_seq": settlement.cursor,
        "attempts": settlement.attempts,
        "error": settlement.last_error,
        "delay": settlement.delay,
    }
