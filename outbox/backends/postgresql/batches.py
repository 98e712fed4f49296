"""What the statements that read messages return: some columns of each partition, then a message's."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from outbox.backends.records import Delivery, Refusal, RefusalKind, StoredMessage, unbroken
from outbox.statements import Row, Rows


class Leased(NamedTuple):
    """What `lease_and_read` says of a partition, in each of its rows; a message comes beside it."""

    partition_id: int
    processed_seq: int | None
    """None: it was not leased."""
    attempts: int
    crashed: bool
    last_error: str | None
    refused_behind: bool | None
    refused_for: float | None
    refused_attempts: int | None
    missing_after: int | None
    parking: int | None

    def refusal(self) -> Refusal:
        """Tell why the partition was not handed out, from what the statement saw of it."""
        if not self.refused_behind:
            return Refusal(self.partition_id, RefusalKind.IDLE)
        if self.refused_for is not None and self.refused_for > 0:
            return Refusal(self.partition_id, RefusalKind.HELD, float(self.refused_for))
        if self.missing_after is not None:
            return Refusal(self.partition_id, RefusalKind.MISSING, cursor=self.missing_after)
        if self.refused_attempts:
            return Refusal(self.partition_id, RefusalKind.ISOLATE)
        return Refusal(self.partition_id, RefusalKind.LOCKED)


class Fenced(NamedTuple):
    """What `settle_and_read` says of a partition, in each of its rows; a message comes beside it."""

    partition_id: int
    ours: bool
    keeps: bool | None
    cursor_seq: int
    parking: int | None


class Locked(NamedTuple):
    """What `lock_and_read` says of the partition, in each of its rows; a message comes beside it."""

    partition_id: int
    processed_seq: int
    attempts: int
    crashed: bool
    last_error: str | None
    refused_for: float | None
    behind: bool
    parking: int | None


def by_partition(rows: Rows) -> Iterator[list[Row]]:
    """Yield the rows of each partition; a statement returns them next to each other."""
    for _, batch in groupby(rows, rows.getter("partition_id")):
        yield list(batch)


def read_locked(rows: Rows) -> Delivery | Refusal:
    """Tell what the locked partition has to deliver, or why it has nothing."""
    found = rows.read(Locked)[0]
    partition_id, cursor = found.partition_id, found.processed_seq
    if found.refused_for is not None:
        return Refusal(partition_id, RefusalKind.HELD, max(float(found.refused_for), 0.0))
    seq_of = rows.getter("seq")
    read = rows.reader(StoredMessage)(row for row in rows if seq_of(row) is not None)
    messages = unbroken(cursor, read)
    if messages:
        head = (partition_id, cursor, found.attempts, found.crashed)
        return Delivery(*head, messages, found.last_error, found.parking)
    if found.behind:
        return Refusal(partition_id, RefusalKind.MISSING, cursor=cursor)
    return Refusal(partition_id, RefusalKind.IDLE)
