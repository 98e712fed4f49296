"""Batches for relays, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from outbox.clock import Deadline
from outbox.handlers.batch import Batch
from outbox.values.message import OutboxMessage

CREATED = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


def make_messages(
    payloads: Sequence[bytes], *, keys: Sequence[str | None] = (None,), first: int = 1
) -> list[OutboxMessage]:
    """Return messages of partition 9, numbered from ``first``; the keys take turns."""
    return [
        make_message(first + place, payload, keys[place % len(keys)])
        for place, payload in enumerate(payloads)
    ]


def make_message(
    seq: int, payload: bytes = b"{}", key: str | None = None, *, payload_type: str = "application/json"
) -> OutboxMessage:
    headers = {"tenant": "a"}
    return OutboxMessage(100 + seq, "orders", 3, 9, seq, payload, payload_type, headers, CREATED, key=key)


def make_batch(*payloads: bytes, within: float = 20.0, **options: object) -> Batch:
    """Return a batch whose cancel point comes after as many seconds."""
    messages = make_messages(payloads, **options)  # type: ignore[arg-type]
    return Batch(messages, Deadline.after(within), lambda: False)
