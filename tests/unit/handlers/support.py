"""Messages, batches and transactions for the tests of handlers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from outbox.clock import Deadline
from outbox.errors import DatabaseError
from outbox.handlers.batch import Batch
from outbox.handlers.outcome import Outcome
from outbox.values.message import OutboxMessage

CREATED = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


def make_message(seq: int = 1, *, payload: bytes = b"{}", deadline: Deadline | None = None) -> OutboxMessage:
    """Return a message of partition 3 of the queue ``orders``, whose id is 100 + ``seq``."""
    never = Deadline.never()
    return OutboxMessage(
        100 + seq, "orders", 3, 9, seq, payload, "application/json", None, CREATED, 0, deadline or never
    )


def make_messages(count: int) -> list[OutboxMessage]:
    """Return messages with the sequence numbers 1 to ``count``."""
    return [make_message(seq) for seq in range(1, count + 1)]


def make_batch(
    count: int, *, deadline: Deadline | None = None, stop: Callable[[], bool] = lambda: False
) -> Batch:
    """Return a batch of ``count`` messages that is not cancelled unless asked for."""
    return Batch(make_messages(count), deadline or Deadline.never(), stop)


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time it was set to."""
        return self.now


class TransactionalRun:
    """An open transaction with savepoints, on any of the drivers."""

    def __init__(self, conn: Any) -> None:
        self.conn = conn
        self.running = False

    def execute(self, *words: str) -> None:
        cursor = self.conn.cursor()
        try:
            for word in words:
                cursor.execute(word)
        except Exception as error:
            raise DatabaseError(str(error)) from error
        finally:
            cursor.close()

    def savepoint(self) -> None:
        self.execute(*(["RELEASE SAVEPOINT s"] if self.running else []), "SAVEPOINT s")
        self.running = True

    def rollback_to(self) -> None:
        self.execute("ROLLBACK TO SAVEPOINT s")

    def run(self, handler: Any, count: int, *, cancelled: Any = lambda: False) -> Outcome:
        outcome: Outcome = handler.run(
            self.conn, make_messages(count), self.savepoint, self.rollback_to, cancelled
        )
        return outcome


def insert(conn: Any, seq: int) -> None:
    """Write the effect of a message."""
    cursor = conn.cursor()
    cursor.execute(f"INSERT INTO effects VALUES ({seq})")
    cursor.close()
