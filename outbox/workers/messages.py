"""From stored rows to what handlers see."""

from __future__ import annotations

from datetime import datetime, timezone

from outbox.backends.records import Delivery
from outbox.clock import Deadline
from outbox.queues.parked_keys import NOTHING, Aside
from outbox.values.headers import decode_headers
from outbox.values.message import OutboxMessage
from outbox.workers.consumer import Consumer

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MISSING_BODY = "the message's body is missing from the table"
BAD_HEADERS = "the message's headers are no JSON object of strings"


def build_messages(
    delivery: Delivery, consumer: Consumer, deadline: Deadline, aside: Aside = NOTHING
) -> tuple[list[OutboxMessage], dict[int, str | None]]:
    """Return the messages of a delivery, and for the positions without one the reason: None if put aside."""
    queue, partition_id = consumer.queue, delivery.partition_id
    index = consumer.indexes[partition_id]
    attempts = delivery.attempts
    messages: list[OutboxMessage] = []
    withheld: dict[int, str | None] = {}
    not_handed_over = aside.parked | aside.passed
    for position, stored in enumerate(delivery.messages):
        seq, message_id, payload, payload_type, headers, created_at, key, uid, origin = stored
        if position in not_handed_over:
            withheld[position] = None
            continue
        if payload is None:
            withheld[position] = MISSING_BODY
            continue
        try:
            decoded = decode_headers(headers) if headers else None
        except (ValueError, TypeError, RecursionError):
            withheld[position] = BAD_HEADERS
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
                decoded,
                EPOCH if created_at is None else created_at.astimezone(timezone.utc),
                attempts if position == 0 else 0,
                deadline,
                key,
                uid,
                origin,
                consumer.names,
                consumer.codec,
            )
        )
    return messages, withheld
