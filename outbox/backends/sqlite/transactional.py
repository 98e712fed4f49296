"""The transactional turn on SQLite.

Statements: BEGIN, examine, read, then per message 2 for the savepoint and the handler's own, advance,
dead letters only if there are any, COMMIT. The write lock is held from BEGIN to COMMIT.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from outbox.backends.records import Delivery, LeaseRequest, Refusal, RefusalKind, Settlement
from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.database import Database, Session, array
from outbox.backends.sqlite.errors import translated
from outbox.backends.sqlite.reading import examine
from outbox.backends.sqlite.source import check_open, ended


class SqliteTurn:
    """See `outbox.backends.protocol.TransactionalTurn`."""

    def __init__(self, session: Session, lent: Any, delivery: Delivery) -> None:
        self.delivery = delivery
        self.connection = lent
        self._session = session
        self._marked = False

    def savepoint(self) -> None:
        self._release()
        with translated():
            self._session.run("set_savepoint")
        self._marked = True

    def seal(self) -> None:
        # The savepoint is there only if the message's transaction is still the one that began here.
        if self._marked:
            self.savepoint()
        else:
            check_open(self._session.conn)

    def rollback(self) -> None:
        self._on_savepoint("rollback_to_savepoint")

    def settle(self, settlement: Settlement) -> None:
        self._release()
        with translated():
            self._session.run(
                "advance",
                partition_id=settlement.partition_id,
                cursor_seq=settlement.cursor,
                attempts=settlement.attempts,
                error=settlement.last_error,
                delay=settlement.delay,
            )
            if settlement.dead:
                dead = array((settlement.partition_id, *letter) for letter in settlement.dead)
                self._session.run("bury", dead=dead)

    def _release(self) -> None:
        check_open(self._session.conn)
        if self._marked:
            self._on_savepoint("release_savepoint")
            self._marked = False

    def _on_savepoint(self, statement: str) -> None:
        """Run a statement that fails when the handler committed, even if it began anew afterwards."""
        check_open(self._session.conn)
        try:
            self._session.run(statement)
        except sqlite3.Error as error:
            raise ended() from error


@contextmanager
def transactional_turn(
    db: Database, request: LeaseRequest, max_bytes: int, *, cautious: bool, resting: bool
) -> Iterator[SqliteTurn | Refusal]:
    """Open the transaction, look and read; see `Backend.transactional_turn`."""
    with db.lend() as (session, lent):
        with translated():
            found = take(session, request, max_bytes, cautious=cautious, resting=resting)
        yield found if isinstance(found, Refusal) else SqliteTurn(session, lent, found)


def take(
    session: Session, request: LeaseRequest, max_bytes: int, *, cautious: bool, resting: bool
) -> Delivery | Refusal:
    """Read the partition's batch, unless a lease or backoff holds it; ``resting``: unless a lease does."""
    for standing in examine(session, [request.partition_id]):
        return standing.refusal(alone=True, resting=resting) or standing.delivery(
            session, standing.limit(request.limit, cautious=cautious), max_bytes
        )
    # No such partition: as the other backends say it.
    return Refusal(request.partition_id, RefusalKind.LOCKED)


@retry_contention
def record_failure(db: Database, settlement: Settlement) -> bool:
    """Write the head's failure after its transaction was lost; BEGIN, 1, COMMIT."""
    with db.write() as session:
        rows = session.run(
            "record_failure",
            partition_id=settlement.partition_id,
            cursor_seq=settlement.cursor,
            attempts=settlement.attempts,
            error=settlement.last_error,
            delay=settlement.delay,
        )
    return bool(rows)
