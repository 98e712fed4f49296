"""From stored rows to what handlers see."""

from __future__ import annotations

from datetime import datetime, timezone

from outbox.backends.records import Delivery
from outbox.clock import Deadline
from outbox.values.headers import decode_headers
from outbox.values.message import OutboxMessage
from outbox.workers.consumer import Consumer

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
NEVER = Deadline.never()


def build_messages(
    delivery: Delivery, consumer: Consumer, deadline: Deadline = NEVER
) -> tuple[list[OutboxMessage], list[int]]:
    """Return the messages of a delivery, and the positions of those whose body is missing."""
    queue, partition_id = consumer.queue, delivery.partition_id
    index = consumer.indexes[partition_id]
    attempts = delivery.attempts
    messages: list[OutboxMessage] = []
    missing: list[int] = []
    for position, (seq, message_id, payload, payload_type, headers, created_at) in enumerate(
        delivery.messages
    ):
        if payload is None:
            missing.append(position)
            continue
        messages.append(
            OutboxMessage(
                message_id,
                queue,
                index,
                partition_id,
                seq,
                payload,
                payload_type or "",
                decode_headers(headers) if headers else None,
                created_at or EPOCH,
                attempts if position == 0 else 0,
                deadline,
            )
        )
    return messages, missing
