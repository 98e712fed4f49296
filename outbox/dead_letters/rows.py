"""From rows to letters, whichever driver brought them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from outbox.dead_letters.letter import DeadLetter
from outbox.dead_letters.status import DeadLetterStatus
from outbox.statements.dialect import decode_text, decode_time
from outbox.values.headers import decode_headers

UNREADABLE = "unreadable-headers"


def letter(row: tuple[Any, ...]) -> DeadLetter:
    """Return a row of ``read_dead_letters``."""
    id_, message_id, queue, partition, partition_id, seq, payload, payload_type, headers, *rest = row
    created_at, failed_at, last_error, attempts, status, completed_at, deadline, claim = rest
    return DeadLetter(
        id=int(id_),
        message_id=int(message_id),
        queue=str(decode_text(queue)),
        partition=int(partition),
        partition_id=int(partition_id),
        seq=int(seq),
        payload=bytes(payload),
        payload_type=str(decode_text(payload_type)),
        headers=headers_of(decode_text(headers)),
        created_at=decode_time(created_at),
        failed_at=decode_time(failed_at),
        last_error=decode_text(last_error),
        attempts=int(attempts),
        status=DeadLetterStatus(decode_text(status)),
        completed_at=decode_time(completed_at),
        deadline=decode_time(deadline),
        claim=decode_text(claim),
    )


def headers_of(stored: str | None) -> Mapping[str, str]:
    """Return stored headers; those that cannot be read, for which the letter may be here, under one name."""
    with suppress(ValueError, TypeError, RecursionError):
        headers = decode_headers(stored)
        if all(isinstance(value, str) for value in headers.values()):
            return headers
    return {UNREADABLE: stored or ""}
