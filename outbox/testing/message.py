"""Make a message, as a handler gets it, out of nothing."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime, timezone

from outbox.clock import Deadline
from outbox.values.headers import decode_headers, encode_headers
from outbox.values.keys import key_text
from outbox.values.message import OutboxMessage
from outbox.values.payloads import encode

_numbers = itertools.count(1)


def message(
    payload: object = None,
    *,
    queue: str = "test",
    key: str | bytes | None = None,
    partition: int = 0,
    payload_type: str | None = None,
    headers: Mapping[str, str] | None = None,
    attempts: int = 0,
    remaining: float | None = None,
    created_at: datetime | None = None,
    uid: str | None = None,
) -> OutboxMessage:
    """Return a message for a handler that is called by a test itself; no database is asked.

    ``payload`` is encoded as `Outbox.enqueue` encodes it. ``remaining`` are the seconds until the lease's
    cancel point, which is infinite without. Each message has another id and `uid`.
    """
    number = next(_numbers)
    data, kind = encode(payload, payload_type)
    created = created_at or datetime.now(timezone.utc)
    return OutboxMessage(
        number,
        queue,
        partition,
        partition + 1,
        number,
        data,
        kind,
        decode_headers(encode_headers(headers)),
        created,
        attempts,
        Deadline.never() if remaining is None else Deadline.after(remaining),
        key_text(key),
        uid or f"test-1-{number}",
    )
