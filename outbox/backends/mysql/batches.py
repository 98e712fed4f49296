"""From rows to messages, under a byte budget.

The statements that read messages return the same columns first. A payload above the batch's share
of the budget is left out by the server (NULL, with its size) and read here by a second statement,
and only if the budget reaches that far: small messages cost no windowing, large ones no memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timezone
from itertools import groupby
from operator import itemgetter
from typing import Any

from outbox.backends.mysql.session import Session
from outbox.backends.mysql.text import integers
from outbox.backends.records import StoredMessage

UTC = timezone.utc
Row = tuple[Any, ...]

PARTITION_ID, SEQ, MESSAGE_ID, PAYLOAD, PAYLOAD_TYPE, HEADERS, CREATED_AT, SIZE = range(8)
FIRST_EXTRA = 8


def inline_bytes(max_bytes: int, limits: Iterable[int]) -> int:
    """Return the payload size that comes with its batch whatever the other messages weigh."""
    return max_bytes // max(1, *limits)


def by_partition(rows: list[Row]) -> Iterator[tuple[int, list[Row]]]:
    """Group rows by partition, ascending, each group in the order of ``seq``, what has none last."""
    rows.sort(key=lambda row: (row[PARTITION_ID], row[SEQ] is None, row[SEQ]))
    for partition_id, group in groupby(rows, itemgetter(PARTITION_ID)):
        yield partition_id, list(group)


def within_budget(rows: list[Row], cursor: int | None, max_bytes: int) -> list[Row]:
    """Cut a partition's rows where the payloads before reach ``max_bytes``; the first always passes.

    Cut them before a gap too: behind a row that somebody deleted, the batch would be counted wrong.
    """
    before = 0
    for count, row in enumerate(rows):
        if cursor is None or row[SEQ] != cursor + count + 1 or (before >= max_bytes and count):
            return rows[:count]
        before += row[SIZE] or 0
    return rows


def read_messages(session: Session, batches: list[list[Row]]) -> list[list[StoredMessage]]:
    """Return the messages of each batch of rows; at most 1 statement, for large payloads."""
    large = [
        row[MESSAGE_ID]
        for batch in batches
        for row in batch
        if row[PAYLOAD] is None and row[SIZE] is not None
    ]
    payloads = dict(session.rows("read_payloads", body_ids=integers(large))) if large else {}
    return [[to_message(row, payloads) for row in batch] for batch in batches]


def to_message(row: Row, payloads: dict[Any, Any]) -> StoredMessage:
    """Return a row as a message; a missing body has no payload, type or time."""
    _, seq, message_id, payload, payload_type, headers, created_at, size, *_ = row
    if payload is None and size is not None:
        payload = payloads.get(message_id)
    return StoredMessage(
        seq,
        message_id,
        payload,
        payload_type,
        headers and headers.decode(),
        created_at and created_at.replace(tzinfo=UTC),
    )
