"""Deliveries and consumers for the tests of workers."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from outbox.backends.records import Delivery, StoredMessage
from outbox.handlers.outcome import Failed
from outbox.values.worker_tuning import WorkerTuning
from outbox.workers.consumer import Consumer

PARTITION_ID = 9
CREATED = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


def make_consumer(**options: Any) -> Consumer:
    """Return a consumer of the queue ``orders`` with the balanced tuning."""
    return Consumer("orders", (PARTITION_ID,), **{"tuning": WorkerTuning.processor(), **options})


def make_delivery(
    count: int, *, cursor: int = 0, attempts: int = 0, partition_id: int = PARTITION_ID, **options: Any
) -> Delivery:
    """Return a delivery of ``count`` messages behind the cursor."""
    messages = [
        StoredMessage(seq, 100 + seq, b"{}", "application/json", None, CREATED)
        for seq in range(cursor + 1, cursor + count + 1)
    ]
    return Delivery(partition_id, cursor, attempts, **{"crashed": False, "messages": messages, **options})


def failure(reason: str = "no", **options: Any) -> Failed:
    """Return a failure that counts and asks for no delay."""
    return Failed(reason, **options)
