"""What `Outbox.status()` returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from outbox.backends.protocol import Backend
from outbox.backends.records import PartitionStatus
from outbox.facade.queue_settings import QueueSettings, read_settings
from outbox.queues.administration import Administration
from outbox.queues.numbering import RESIZE
from outbox.queues.pause import Pause
from outbox.queues.reshaping import is_dropped


@dataclass(frozen=True)
class QueuePartitionStatus:
    """One partition: what waits, who holds it, and what is wrong with its head."""

    queue: str
    partition: int
    partition_id: int
    incoming: int
    """Committed messages that have no sequence number yet."""
    backlog: int
    """Sequenced messages that are not processed yet."""
    processed_seq: int
    oldest_age: float | None
    """Seconds since the oldest unprocessed message was enqueued; None when there is none."""
    attempts: int
    last_error: str | None
    lease_holder: str | None
    """``host:pid:thread:random`` of the worker that holds the lease; None also during a backoff."""
    held_for: float | None
    """Seconds until the lease or backoff ends; None when the partition is free."""
    delayed: int = 0
    """Committed messages that wait until they are due; no part of ``incoming``."""
    overdue: float | None = None
    """Seconds since the first of these became due; None when none is."""
    kept: int = 0
    """Processed messages that are still there: the queue keeps them, or the vacuum is about to come."""
    paused: str | None = None
    """Why nothing of it is delivered, for people; None when it is not paused."""
    retired: bool = False
    """Whether a resize has put others in its place: what it holds is delivered before theirs."""
    waits: bool = False
    """Whether it is one of those others, and waits until what the retired ones hold is delivered."""

    @property
    def is_leased(self) -> bool:
        """Whether a worker holds a live lease."""
        return bool(self.lease_holder and self.held_for)

    @property
    def failures(self) -> int:
        """How many deliveries of the first message failed: its starts, but for a running one."""
        return self.attempts - (1 if self.is_leased else 0)

    @property
    def is_failing(self) -> bool:
        """Whether the first message has failed, be it a failure that does not count."""
        return self.failures > 0 or (self.last_error is not None and self.backlog > 0)

    @property
    def state(self) -> str:
        """``leased``, ``resizing``, ``paused``, ``backing off``, ``failing``, ``waiting`` or ``idle``."""
        if self.waits:
            return "resizing"
        if self.is_leased:
            return "leased"
        if self.paused is not None:
            return "paused"
        if self.held_for:
            return "backing off"
        if self.is_failing:
            return "failing"
        return "waiting" if self.incoming or self.backlog else "idle"


@dataclass(frozen=True)
class OutboxStatus:
    """A snapshot of the tables: partitions by queue and index, dead letters by status, those with any."""

    partitions: list[QueuePartitionStatus]
    dead_letters: dict[str, int]
    pauses: list[Pause] = field(default_factory=list)
    """What is paused or held, oldest first."""
    parked_keys: int = 0
    """Keys whose messages wait apart; see `Outbox.parked`."""
    parked_messages: int = 0
    settings: list[QueueSettings] = field(default_factory=list)
    """Queues that keep what was delivered, or have a rate."""


def read_status(backend: Backend) -> OutboxStatus:
    """Read the state of every partition in the tables, of all processes' queues, and the dead letters."""
    ids = [int(row[0]) for row in backend.query("all_partitions")]
    pauses = Administration(backend).pauses()
    rows = [describe_partition(row, pauses) for row in backend.partition_status(ids)]
    # Of a dropped queue only what came since, and of retired partitions what is left or came since: a
    # producer has not heard of it.
    rows = [
        row
        for row in rows
        if row.incoming or row.backlog or row.delayed or not (row.retired or is_dropped(row.queue))
    ]
    [(keys, messages)] = backend.query("count_parked", queue=None)
    letters = backend.dead_letter_counts()
    return OutboxStatus(rows, letters, pauses, int(keys), int(messages), read_settings(backend))


def describe_partition(row: PartitionStatus, pauses: Sequence[Pause] = ()) -> QueuePartitionStatus:
    """Turn a row into what users see."""
    pause = next((found for found in pauses if found.covers(row.queue, row.partition)), None)
    waits = row.locked_by == RESIZE
    return QueuePartitionStatus(
        queue=row.queue,
        partition=row.partition,
        partition_id=row.partition_id,
        incoming=row.incoming,
        backlog=row.sequence - row.processed_seq,
        processed_seq=row.processed_seq,
        oldest_age=row.oldest_age,
        attempts=row.attempts,
        last_error=row.last_error,
        lease_holder=None if waits else row.locked_by,
        held_for=None if waits else row.locked_for,
        delayed=row.delayed,
        overdue=row.overdue,
        kept=row.processed_seq - row.vacuumed_seq,
        paused=None if pause is None else str(pause),
        retired=row.retired,
        waits=waits,
    )
