"""Messages, batches and transactions for the tests of handlers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone

from outbox.clock import Deadline
from outbox.handlers.batch import Batch
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
