"""The rows that travel between workers and backends."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from outbox.errors import PartitionCountMismatch
from outbox.statements import Naming, Statement
from outbox.statements.tables import TABLES as ALL_TABLES
from outbox.values.partitions import MAX_PARTITIONS

Ids: TypeAlias = Sequence[int]
"""Ids of partitions or messages."""


class Pending(NamedTuple):
    """A partition with something to do."""

    partition_id: int
    incoming: bool
    """Committed messages wait to be sequenced."""
    behind: bool
    """Sequenced messages wait for a processor, and no lease or backoff holds the partition."""
    dirty: bool
    """Processed rows wait for the vacuum."""
    revision: int | None = None
    """That of the installation: another one than known means that settings have changed."""
    due: bool = False
    """Delayed messages have become due and wait to be sequenced."""


class Look(list[Pending]):
    """What is pending, and the revision of the installation, which is told even when nothing is."""

    revision: int | None = None
    expired: bool = False
    """Whether there are deduplication keys whose window has passed."""

    @classmethod
    def of(cls, rows: Iterable[Pending]) -> Look:
        """Take out the row of partition 0, which does not exist: it stands for the installation."""
        look = cls()
        for row in rows:
            if row.partition_id:
                look.append(row)
            else:
                look.revision, look.expired = row.revision, row.dirty
        return look


class Component(NamedTuple):
    """Something that the outbox runs on, as people know it."""

    text: str
    """Its name and version."""
    trouble: str = ""
    """What is wrong with it."""
    advice: str = ""
    """What to do about that."""


SLOW_DRIVER = "every message costs several times the CPU"


class Sequenced(NamedTuple):
    """What one pass moved in one partition: ``moved`` messages from ``first_seq`` on."""

    partition_id: int
    first_seq: int
    moved: int
    more: bool = False
    """There may be more, although fewer were moved than the limit allows."""


class LeaseRequest(NamedTuple):
    """Ask for up to ``limit`` messages of a partition."""

    partition_id: int
    limit: int


class StoredMessage(NamedTuple):
    """A message as it lies in the tables; ``payload`` is None when its body is missing."""

    seq: int
    message_id: int
    payload: bytes | None
    payload_type: str | None
    headers: str | None
    created_at: datetime | None
    """Aware, UTC."""
    message_key: str | None = None
    uid: str | None = None
    """The name it brought along, when it went on under another id than the one it was enqueued with."""
    origin: str | None = None


def unbroken(cursor: int, messages: list[StoredMessage]) -> list[StoredMessage]:
    """Return ascending messages past ``cursor`` up to the first gap.

    Sequences have no gaps, so a batch is a count; behind a deleted row it would count wrong.
    """
    if not messages or messages[-1].seq == cursor + len(messages):
        return messages
    return [message for expected, message in enumerate(messages, cursor + 1) if message.seq == expected]


@dataclass(frozen=True, slots=True)
class Delivery:
    """A partition that is ours now, and its next messages (never empty)."""

    partition_id: int
    cursor: int
    """``processed_seq``: the message before the first of `messages`."""
    attempts: int
    """Starts of the head before this one: what the handler sees."""
    crashed: bool
    """The last start ended without a result: the process died or its lease ran out."""
    messages: list[StoredMessage]
    last_error: str | None = None
    parking: int | None = None
    """The version of the partition's set of parked keys; None if it never had any."""


class RefusalKind(enum.Enum):
    """Why a partition was not handed out."""

    IDLE = "idle"
    """Nothing past the cursor."""
    HELD = "held"
    """A lease or a backoff holds it: free in ``retry_in`` seconds."""
    LOCKED = "locked"
    """Its row is locked at this moment, or there is no such partition."""
    ISOLATE = "isolate"
    """Its head has failed starts: ask for it ``solo``."""
    MISSING = "missing"
    """The message after ``cursor`` has a number and no row: it was deleted."""


class Refusal(NamedTuple):
    """A partition that was asked for and not handed out."""

    partition_id: int
    kind: RefusalKind
    retry_in: float = 0.0
    cursor: int = 0
    """``processed_seq``, where that is the reason."""


@dataclass(frozen=True, slots=True)
class LeaseResult:
    """The answer to a lease request: what is ours, and what is not and why."""

    deliveries: list[Delivery]
    refusals: list[Refusal]


class DeadLetterRecord(NamedTuple):
    """A message to be dead-lettered by a settlement."""

    seq: int
    reason: str
    attempts: int
    """Failed deliveries, this one included."""
    fingerprint: str | None = None
    """What kind of failure it was."""


class ParkedRecord(NamedTuple):
    """A message to be put apart by a settlement, behind those of its key."""

    seq: int
    attempts: int = 0
    reason: str | None = None
    fingerprint: str | None = None
    gives_up: bool = False
    """It was given up: from now on all messages of its key are put apart."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one partition's batch."""

    partition_id: int
    cursor: int
    """The new ``processed_seq``; the old one when nothing was finished."""
    attempts: int = 0
    """Stored when the lease is released: failed starts of the new head."""
    last_error: str | None = None
    next_limit: int = 0
    """Above 0: keep the lease and read up to this many messages, if there are any; else release."""
    delay: float = 0.0
    """Backoff: seconds after the release in which no worker takes the partition."""
    dead: tuple[DeadLetterRecord, ...] = ()
    parked: tuple[ParkedRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class SettleResult:
    """The answer to settlements: what was read on, what is released, what was not ours any more."""

    deliveries: list[Delivery]
    released: list[int]
    lost: list[int]


class PartitionStatus(NamedTuple):
    """A partition as an operator wants to see it."""

    partition_id: int
    queue: str
    partition: int
    incoming: int
    sequence: int
    processed_seq: int
    vacuumed_seq: int
    oldest_age: float | None
    """Seconds since the oldest message that is not processed yet was enqueued."""
    attempts: int
    last_error: str | None
    locked_by: str | None
    locked_for: float | None
    """Seconds until the lease or backoff ends; None when there is none."""
    delayed: int = 0
    """Messages that wait until they are due."""
    overdue: float | None = None
    """Seconds since the first of these became due; None when none is."""
    retired: bool = False
    """Whether a resize has put others in its place: it gets no number any more."""


class Wakeup(NamedTuple):
    """News from another process; no partitions means: look at all of them."""

    sequenced: bool
    """True: ready for processors. False: enqueued, to be sequenced."""
    partition_ids: tuple[int, ...]
    more: bool = False
    """Whether there may be more that is not announced: look again a little later."""


TABLES = tuple(sorted(ALL_TABLES - {"migrations"}))
Shape: TypeAlias = dict[tuple[str, str, str], str]
"""From (table, kind, name) to the definition. An index or check is named by what it does."""
Commands: TypeAlias = Callable[[Naming], Sequence[Statement]]
"""What the migrations run, one by one, with these names."""


def shape_of(rows: Iterable[Any], prefix: str) -> Shape:
    """Return rows of ``table_shapes`` as a shape; servers may have folded the prefix to lower case."""
    return {
        (str(table)[len(prefix) + 1 :], kind, " ".join(name.split())): " ".join(definition.split())
        for table, kind, name, definition in rows
    }


def check_resized(queue: str, declared: int, count: int, numbering: Iterable[Sequence[Any]]) -> None:
    """Raise `PartitionCountMismatch` unless a queue had as many partitions as declared before a resize.

    A process may be started with such a number until all are rolled out. The rows are those of ``numbering``.
    """
    resizes = Counter(int(row[2]) // MAX_PARTITIONS for row in numbering)
    if not any(resize and found == declared for resize, found in resizes.items()):
        raise PartitionCountMismatch(queue, declared, count)
