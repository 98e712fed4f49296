"""From rows to letters, whichever driver brought them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

from outbox.dead_letters.letter import DeadLetter
from outbox.dead_letters.status import DeadLetterStatus
from outbox.values.headers import decode_headers

UNREADABLE = "unreadable-headers"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)


def letter(row: tuple[Any, ...]) -> DeadLetter:
    """Return a row of ``read_dead_letters``."""
    id_, message_id, queue, partition, partition_id, seq, payload, payload_type, headers, *rest = row
    created_at, failed_at, last_error, attempts, status, completed_at, deadline, claim = rest
    return DeadLetter(
        id=int(id_),
        message_id=int(message_id),
        queue=str(text(queue)),
        partition=int(partition),
        partition_id=int(partition_id),
        seq=int(seq),
        payload=bytes(payload),
        payload_type=str(text(payload_type)),
        headers=headers_of(text(headers)),
        created_at=EPOCH + int(created_at) * MICROSECOND,
        failed_at=EPOCH + int(failed_at) * MICROSECOND,
        last_error=text(last_error),
        attempts=int(attempts),
        status=DeadLetterStatus(text(status)),
        completed_at=moment(completed_at),
        deadline=moment(deadline),
        claim=text(claim),
    )


def headers_of(stored: str | None) -> Mapping[str, str]:
    """Return stored headers; those that cannot be read, for which the letter may be here, under one name."""
    with suppress(ValueError, TypeError, RecursionError):
        headers = decode_headers(stored)
        if all(isinstance(value, str) for value in headers.values()):
            return headers
    return {UNREADABLE: stored or ""}


def text(value: Any) -> str | None:
    """Return a text that may come as bytes, as MySQL's do on some connections."""
    return value if value is None or isinstance(value, str) else bytes(value).decode()


def moment(microseconds: Any) -> datetime | None:
    """Return an aware time; the table counts from 1970."""
    return None if microseconds is None else EPOCH + int(microseconds) * MICROSECOND


def micros(value: datetime | None) -> int | None:
    """Return an aware time as the table counts."""
    return None if value is None else (value - EPOCH) // MICROSECOND
