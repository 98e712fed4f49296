"""From rows to messages, under a byte budget.

A payload above the batch's share
of the budget is left out by the server (NULL, with its size) and read here by a second statement,
and only if the budget reaches that far: small messages cost no windowing, large ones no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timezone
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from outbox.backends.mysql.session import Session
from outbox.backends.records import Delivery, Refusal, RefusalKind, StoredMessage
from outbox.statements import Row, Rows
from outbox.statements.dialect import MYSQL, decode_text

UTC = timezone.utc


def inline_bytes(max_bytes: int, limits: Iterable[int]) -> int:
    """Return the payload size that comes with its batch whatever the other messages weigh."""
    return max_bytes // max(1, *limits)


class Leased(NamedTuple):
    """What `lease_and_read` says of a partition, in each of its rows; a message comes beside it."""

    partition_id: int
    processed_seq: int | None
    """None: it was not locked."""
    attempts: int
    crashed: int
    last_error: bytes | None
    refused_behind: int | None
    refused_for: Decimal | None
    refused_attempts: int | None
    parking: int | None

    def refusal(self) -> Refusal:
        """Tell why the partition was not handed out, from what the statement saw of it."""
        if self.processed_seq is not None:  # it was locked, and its next row is not there
            return Refusal(self.partition_id, RefusalKind.MISSING, cursor=self.processed_seq)
        if not self.refused_behind:
            return Refusal(self.partition_id, RefusalKind.IDLE)
        if self.refused_for is not None and self.refused_for > 0:
            return Refusal(self.partition_id, RefusalKind.HELD, float(self.refused_for))
        if self.refused_attempts:
            return Refusal(self.partition_id, RefusalKind.ISOLATE)
        return Refusal(self.partition_id, RefusalKind.LOCKED)

    def delivery(self, messages: list[StoredMessage]) -> Delivery:
        """Return the partition with the batch that was read."""
        assert self.processed_seq is not None
        return Delivery(
            self.partition_id,
            self.processed_seq,
            self.attempts,
            bool(self.crashed),
            messages,
            decode_text(self.last_error),
            self.parking,
        )


class Locked(NamedTuple):
    """What `lock_and_read` says of the partition, in each of its rows; a message comes beside it."""

    partition_id: int
    processed_seq: int
    attempts: int
    crashed: int
    last_error: bytes | None
    refused_for: Decimal | None
    behind: int
    parking: int | None


class Batches:
    """The rows of a statement that reads messages: some columns of each partition, then a message's."""

    def __init__(self, rows: Rows, max_bytes: int) -> None:
        self._rows = rows
        self._max_bytes = max_bytes
        self._seq: Callable[[Row], int | None] = rows.getter("seq")
        self._size: Callable[[Row], int | None] = rows.getter("size")
        self._headers: Callable[[Row], bytes | None] = rows.getter("headers")
        self._message: Callable[[Row], tuple[Any, ...]] = rows.getter(*StoredMessage._fields)

    def by_partition(self) -> Iterator[list[Row]]:
        """Yield the rows of each partition, ascending, in the order of ``seq``, what has none last."""
        partition, seq_of = self._rows.getter("partition_id"), self._seq

        def order(row: Row) -> tuple[int, bool, int | None]:
            seq = seq_of(row)
            return partition(row), seq is None, seq

        for _, group in groupby(sorted(self._rows, key=order), partition):
            yield list(group)

    def within_budget(self, rows: list[Row], cursor: int | None) -> list[Row]:
        """Cut a partition's rows where payloads and headers before reach the budget; the first always passes.

        Cut them before a gap too: behind a deleted row, the batch would be counted wrong.
        """
        if cursor is None:
            return []
        before = 0
        for count, row in enumerate(rows):
            if self._seq(row) != cursor + count + 1 or (before >= self._max_bytes and count):
                return rows[:count]
            before += (self._size(row) or 0) + len(self._headers(row) or b"")
        return rows

    def read(self, session: Session, batches: Iterable[list[Row]]) -> list[list[StoredMessage]]:
        """Return the messages of each batch of rows; at most 1 statement, for large payloads."""
        found = [[(self._message(row), self._size(row)) for row in batch] for batch in batches]
        large = [
            message_id
            for batch in found
            for (_, message_id, payload, *_), size in batch
            if payload is None and size is not None
        ]
        payloads: dict[int, bytes] = {}
        if large:
            payloads = session.query("read_payloads", body_ids=MYSQL.integers(large)).mapping("id", "payload")
        return [[to_message(message, payloads) for message, _ in batch] for batch in found]


def to_message(message: tuple[Any, ...], payloads: dict[int, bytes]) -> StoredMessage:
    """Return a message from its columns; a missing body has no payload, type or time."""
    seq, message_id, payload, payload_type, headers, created_at, key, uid, origin = message
    if payload is None:
        payload = payloads.get(message_id)
    return StoredMessage(
        seq,
        message_id,
        payload,
        payload_type,
        decode_text(headers),
        created_at and created_at.replace(tzinfo=UTC),
        decode_text(key),
        decode_text(uid),
        decode_text(origin),
    )
