"""What the leased and the transactional turn have in common: examine partitions, read batches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from outbox.backends.records import Delivery, Refusal, RefusalKind, StoredMessage, unbroken
from outbox.backends.sqlite.session import Session
from outbox.statements.dialect import SQLITE, decode_time


class Examined(NamedTuple):
    """How a partition was found, under the write lock."""

    partition_id: int
    processed_seq: int
    attempts: int
    crashed: int
    last_error: str | None
    behind: int
    held_for: float | None
    parking: int | None

    def refusal(self, *, solo: bool, ignore_backoff: bool = False) -> Refusal | None:
        """Tell why the partition is not to be handed out; None when it is free."""
        if not self.behind:
            return Refusal(self.partition_id, RefusalKind.IDLE)
        if self.held_for is not None and self.held_for > 0 and (self.crashed or not ignore_backoff):
            return Refusal(self.partition_id, RefusalKind.HELD, self.held_for)
        if self.attempts and not solo:
            return Refusal(self.partition_id, RefusalKind.ISOLATE)
        return None

    def limit(self, wanted: int, *, one_if_failed: bool) -> int:
        """Return 1 for a head that crashed, or that failed with ``one_if_failed``, else what is wanted."""
        return 1 if self.attempts and (self.crashed or one_if_failed) else wanted

    def delivery(self, session: Session, limit: int, max_bytes: int) -> Delivery | Refusal:
        """Read the batch."""
        messages = read_batch(session, self.partition_id, self.processed_seq, limit, max_bytes)
        if not messages:
            return Refusal(self.partition_id, RefusalKind.MISSING, cursor=self.processed_seq)
        return Delivery(
            self.partition_id,
            self.processed_seq,
            self.attempts,
            bool(self.crashed),
            messages,
            self.last_error,
            self.parking,
        )


def examine(session: Session, partition_ids: Iterable[int]) -> list[Examined]:
    """Look at partitions in the order of their ids."""
    return session.query("examine", partition_ids=SQLITE.integers(partition_ids)).read(Examined)


def read_batch(
    session: Session, partition_id: int, cursor: int, limit: int, max_bytes: int
) -> list[StoredMessage]:
    """Read on from ``cursor`` until ``limit`` messages or ``max_bytes`` are reached; at least one."""
    messages: list[StoredMessage] = []
    if limit <= 0:
        return messages
    size = 0
    with session.each(
        "read_batch", StoredMessage._fields, partition_id=partition_id, cursor_seq=cursor, limit=limit
    ) as rows:
        for seq, message_id, payload, payload_type, headers, created, *names in rows:
            created_at = decode_time(created)
            messages.append(
                StoredMessage(seq, message_id, payload, payload_type, headers, created_at, *names)
            )
            size += len(payload or b"") + len(headers or "")
            if size >= max_bytes:
                break
    return unbroken(cursor, messages)
