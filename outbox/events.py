"""What an outbox tells its observers: one frozen dataclass for each kind of event.

Give an observer to `OutboxBuilder.observe`. It is called with each event, after the commit that made
the event true, in the thread that committed: the producer's for `Enqueued` and `Requeued`, a worker's
for all others. So it must be quick and may not block; what it raises is logged and changes nothing.
Events come once for each commit that this process knows of, never when it dies before: they are for metrics.

Take fields by name: later versions add some. Seconds are seconds, partitions are 0-based indexes within
their queue. ``event.name`` is the stable name of its kind, the same that log records carry as ``event``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from typing import ClassVar, Literal, TypeAlias

Mode: TypeAlias = Literal["leased", "transactional"]
CallOutcome: TypeAlias = Literal["success", "reject", "retry"]


# Methods written once: generating them for two dozen classes took a twentieth of the package's import.
@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Event:
    """Base of all events."""

    name: ClassVar[str] = "outbox.event"

    def __repr__(self) -> str:
        values = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return f"{type(self).__name__}({values})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and astuple(self) == astuple(other)

    def __hash__(self) -> int:
        return hash(astuple(self))


Observer: TypeAlias = Callable[[Event], object]
"""What `OutboxBuilder.observe` takes."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Enqueued(Event):
    """One call of `Outbox.enqueue` or `Outbox.enqueue_batch` is committed, as far as that can be known.

    It is known with SQLAlchemy, Django, `Outbox.transaction`, `Outbox.enqueue_now` and inside a
    transactional handler: then it is told right after the commit, and never after a rollback. A driver's
    connection does not tell when it commits: then it is told by `Outbox.flush`, which says that what this
    thread wrote before is committed. ``message_ids`` and ``partitions`` are in the messages' order.
    """

    name: ClassVar[str] = "outbox.enqueued"
    queue: str
    count: int
    message_ids: tuple[int, ...]
    partitions: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Requeued(Event):
    """Dead letters were sent through the pipeline again, as new messages; committed as for `Enqueued`."""

    name: ClassVar[str] = "outbox.requeued"
    count: int
    message_ids: tuple[int, ...]
    partition_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Sequenced(Event):
    """Messages of one partition got their numbers: ``count`` of them, from ``first_seq`` on."""

    name: ClassVar[str] = "outbox.sequenced"
    queue: str
    partition: int
    partition_id: int
    first_seq: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class SequencerPassed(Event):
    """A sequencer's pass over some partitions ended; ``count`` messages were moved in all."""

    name: ClassVar[str] = "outbox.sequencer_passed"
    partitions: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Delivered(Event):
    """A batch of one partition was handed over, and what became of it is committed.

    ``count`` messages from ``first_seq`` on are finished, ``dead_lettered`` of them as dead letters.
    ``outcome`` is ``retry`` if the message after them failed and is delivered again, else ``reject`` if
    there were dead letters, else ``success``. ``seconds`` is the time in the handler for the whole batch.
    ``waited`` is the time from the enqueueing of the first message to its handing over, by the clocks
    of database and host; None when it is not known. ``attempts`` are the failed deliveries of the first
    message before this one.
    """

    name: ClassVar[str] = "outbox.delivered"
    queue: str
    partition: int
    partition_id: int
    mode: Mode
    outcome: CallOutcome
    first_seq: int
    count: int
    dead_lettered: int
    first_message_id: int
    attempts: int
    seconds: float
    waited: float | None

    @property
    def last_seq(self) -> int:
        """The ``seq`` of the last finished message; below ``first_seq`` if none is finished."""
        return self.first_seq + self.count - 1


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class TurnEnded(Event):
    """A processor wrote down what became of the batches of some partitions, in one transaction.

    Totals: messages finished, dead-lettered and put aside ones among them; batches that ended in a retry.
    """

    name: ClassVar[str] = "outbox.turn_ended"
    queue: str
    partitions: int
    processed: int
    retried: int
    dead_lettered: int
    set_aside: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class HandlerFailed(Event):
    """A handler raised an exception, or returned what is no result. Told at once, before any commit.

    The message is the first one that the call did not finish. ``reason`` is what a retry keeps of it.
    """

    name: ClassVar[str] = "outbox.handler_failed"
    queue: str
    partition: int
    partition_id: int
    seq: int
    message_id: int
    attempts: int
    reason: str
    error: BaseException
    key: str | None = None
    """That of the message's enqueue, as text."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Retried(Event):
    """A message failed and is delivered again in ``delay`` seconds; ``attempts`` failures count by now."""

    name: ClassVar[str] = "outbox.retried"
    queue: str
    partition: int
    partition_id: int
    seq: int
    message_id: int
    attempts: int
    reason: str
    delay: float
    key: str | None = None
    """That of the message's enqueue, as text."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class DeadLettered(Event):
    """A message became a dead letter after ``attempts`` failed deliveries; ``quarantined`` by the sweeper."""

    name: ClassVar[str] = "outbox.dead_lettered"
    queue: str
    partition: int
    partition_id: int
    seq: int
    message_id: int
    attempts: int
    reason: str
    quarantined: bool = False
    key: str | None = None
    """That of the message's enqueue, as text."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class LeaseLost(Event):
    """Leases ran out before their batches were acknowledged: those messages are delivered again."""

    name: ClassVar[str] = "outbox.lease_lost"
    queue: str
    partitions: tuple[int, ...]
    partition_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class LeaseRenewed(Event):
    """Leases were extended because their handlers still run."""

    name: ClassVar[str] = "outbox.lease_renewed"
    queue: str
    partitions: tuple[int, ...]
    partition_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class PartitionBlocked(Event):
    """A partition stands still for a reason that waiting may not cure, at each try to take it.

    ``reason`` is ``row_missing`` when the message ``seq`` was deleted from the outgoing table, or
    ``row_locked`` when a long transaction holds its processor row (told from the 20th refusal on, ``seq`` is
    None).
    """

    name: ClassVar[str] = "outbox.partition_blocked"
    queue: str
    partition: int
    partition_id: int
    reason: Literal["row_missing", "row_locked"]
    seq: int | None
    refusals: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Vacuumed(Event):
    """The vacuum deleted ``count`` delivered messages from the tables."""

    name: ClassVar[str] = "outbox.vacuumed"
    count: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Polled(Event):
    """The reconciler asked the database what is pending; ``news`` partitions no wake-up had told of."""

    name: ClassVar[str] = "outbox.polled"
    news: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class WakeupsLost(Event):
    """Sending wake-ups failed (``sending``), or none arrive; tried again in ``retry_in`` seconds."""

    name: ClassVar[str] = "outbox.wakeups_lost"
    sending: bool
    error: BaseException
    retry_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class WakeupsRestored(Event):
    """Wake-ups from other processes arrive again."""

    name: ClassVar[str] = "outbox.wakeups_restored"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class WorkerFailed(Event):
    """A round of a worker failed, ``failures`` times in a row by now; the next comes in ``retry_in``."""

    name: ClassVar[str] = "outbox.worker_failed"
    worker: str
    failures: int
    retry_in: float
    error: BaseException


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class WorkerRecovered(Event):
    """A worker's round succeeded after ``failures`` in a row, ``seconds`` after the first of them."""

    name: ClassVar[str] = "outbox.worker_recovered"
    worker: str
    failures: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class TrackerFailed(Event):
    """A failure tracker, or the sweep that asks it, failed. Delivery goes on without it."""

    name: ClassVar[str] = "outbox.tracker_failed"
    what: str
    error: Exception


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class QuarantineFull(Event):
    """More messages have failed too often than one sweep may give up; the others wait for the next."""

    name: ClassVar[str] = "outbox.quarantine_full"
    limit: int
