"""Messages: what a handler receives and what a producer hands in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, dataclass, field
from datetime import datetime
from typing import Any, TypedDict

from outbox.clock import Clock, Deadline, monotonic
from outbox.values.codec import JSON, Codec
from outbox.values.dedup import DedupWindow, OnDuplicate
from outbox.values.delay import DeliverAfter
from outbox.values.headers import NO_HEADERS
from outbox.values.identity import NAMELESS, Names, identity_of


class CancelPoint(Deadline):
    """The deadline of a delivery, which also tells of a stop; one for all messages of a batch."""

    __slots__ = ("stopping",)

    def __init__(self, at: float, stopping: Callable[[], bool], *, clock: Clock = monotonic) -> None:
        super().__init__(at, clock=clock)
        self.stopping = stopping


NEVER = Deadline.never()


class OutboxMessage:
    """A message on its way to a handler. Frozen; may be shared between threads.

    ``payload`` is what was enqueued, as bytes, and ``payload_type`` says what it is. ``id`` is what
    `enqueue` returned. ``partition`` is the 0-based index within the queue, ``partition_id`` identifies
    the partition among all queues; ``seq`` counts from 1 without gaps within it. ``key`` is that of the
    enqueue as text, ``origin`` the `uid` of the message that this one repeats. ``headers`` is a read-only
    mapping. ``created_at`` is aware, in UTC, by the database's clock. ``attempts`` is the number of earlier
    deliveries that failed and counted: 0 the first time.

    A pickled copy, such as one sent to another process, has no lease: its `remaining` is infinite.
    """

    # Tens of thousands a second are made, which is why this is no dataclass: a frozen one with slots
    # takes twice as long to fill.
    __slots__ = (
        "_names",
        "_uid",
        "attempts",
        "codec",
        "created_at",
        "deadline",
        "headers",
        "id",
        "key",
        "origin",
        "partition",
        "partition_id",
        "payload",
        "payload_type",
        "queue",
        "seq",
    )

    id: int
    queue: str
    partition: int
    partition_id: int
    seq: int
    payload: bytes
    payload_type: str
    headers: Mapping[str, str]
    created_at: datetime
    attempts: int
    deadline: Deadline
    key: str | None
    origin: str | None
    codec: Codec
    _uid: str | None
    _names: Names

    def __init__(  # noqa: PLR0917 - passed by position on the hot path
        self,
        id: int,  # noqa: A002 - the public name of the field
        queue: str,
        partition: int,
        partition_id: int,
        seq: int,
        payload: bytes,
        payload_type: str,
        headers: Mapping[str, str] | None,
        created_at: datetime,
        attempts: int = 0,
        deadline: Deadline = NEVER,
        key: str | None = None,
        uid: str | None = None,
        origin: str | None = None,
        names: Names = NAMELESS,
        codec: Codec = JSON,
    ) -> None:
        """Fill the fields; ``deadline`` is the cancel point of the lease the message came with.

        ``names`` makes the `uid`, unless one is given, and the `source`; ``codec`` decodes the payload.
        """
        _set_id(self, id)
        _set_queue(self, queue)
        _set_partition(self, partition)
        _set_partition_id(self, partition_id)
        _set_seq(self, seq)
        _set_payload(self, payload)
        _set_payload_type(self, payload_type)
        _set_headers(self, NO_HEADERS if headers is None else headers)
        _set_created_at(self, created_at)
        _set_attempts(self, attempts)
        _set_deadline(self, deadline)
        _set_key(self, key)
        _set_uid(self, uid)
        _set_origin(self, origin)
        _set_names(self, names)
        _set_codec(self, codec)

    @property
    def uid(self) -> str:
        """The name of this message and of no other one, ever: the idempotency key.

        It stays the same at each delivery and for a dead letter that is requeued. Ids, and partitions with
        their ``seq``, can come again after a failover to a standby that lacked the last seconds.
        """
        return self._uid or self._names.uid(self.id, self.created_at)

    @property
    def source(self) -> str:
        """Where `seq` comes from, as text: with it, a partition's number never comes again."""
        return self._names.source(self.partition_id, self.seq)

    def json(self) -> Any:
        """Parse the payload as JSON; raises `ValueError` if it is none. Parses anew at each call."""
        return json.loads(self.payload)

    def decode(self) -> Any:
        """Return the payload as the outbox's codec reads it; decodes anew at each call.

        Without a codec, JSON is parsed, a ``text/…`` type is text, and other bytes are as they are. What the
        codec raises comes through. A pickled copy has no codec.
        """
        return self.codec.decode(self.payload, self.payload_type)

    def remaining(self) -> float:
        """Return the seconds until the lease's cancel point.

        Never below zero; infinite in transactional mode, which has no lease. Grows when the lease is
        renewed.
        """
        return self.deadline.remaining()

    @property
    def stopping(self) -> bool:
        """Whether the outbox has begun to stop: finish this message soon, no further one is begun.

        A pickled copy never knows.
        """
        deadline = self.deadline
        return isinstance(deadline, CancelPoint) and deadline.stopping()

    def facts(self) -> tuple[Any, ...]:
        """Return the fields in the constructor's order, without the deadline."""
        return (
            self.id,
            self.queue,
            self.partition,
            self.partition_id,
            self.seq,
            self.payload,
            self.payload_type,
            dict(self.headers),
            self.created_at,
            self.attempts,
            NEVER,
            self.key,
            self.uid,
            self.origin,
            identity_of(self.source),
        )

    def __eq__(self, other: object) -> bool:
        return self.facts() == other.facts() if isinstance(other, OutboxMessage) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.id, self.partition_id, self.seq))

    def __repr__(self) -> str:
        return (
            f"<OutboxMessage id={self.id} queue={self.queue!r} partition={self.partition} seq={self.seq} "
            f"attempts={self.attempts} payload_type={self.payload_type!r} payload={len(self.payload)} bytes>"
        )

    def __reduce__(self) -> tuple[type[OutboxMessage], tuple[Any, ...]]:
        return OutboxMessage, self.facts()

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")


def _setter(name: str) -> Callable[[OutboxMessage, object], None]:
    setter: Callable[[OutboxMessage, object], None] = vars(OutboxMessage)[name].__set__
    return setter


_set_id = _setter("id")
_set_queue = _setter("queue")
_set_partition = _setter("partition")
_set_partition_id = _setter("partition_id")
_set_seq = _setter("seq")
_set_payload = _setter("payload")
_set_payload_type = _setter("payload_type")
_set_headers = _setter("headers")
_set_created_at = _setter("created_at")
_set_attempts = _setter("attempts")
_set_deadline = _setter("deadline")
_set_key = _setter("key")
_set_uid = _setter("_uid")
_set_origin = _setter("origin")
_set_names = _setter("_names")
_set_codec = _setter("codec")


@dataclass(frozen=True, slots=True)
class EnqueueMessage:
    """One item of `Outbox.enqueue_batch`; the fields mean what the arguments of `Outbox.enqueue` mean.

    Checked when it is enqueued, because only the queue knows its partitions.
    """

    payload: Any = field(repr=False)
    partition: int | None = field(default=None, kw_only=True)
    key: str | bytes | None = field(default=None, kw_only=True)
    payload_type: str | None = field(default=None, kw_only=True)
    headers: Mapping[str, str] | None = field(default=None, kw_only=True)
    deliver_after: DeliverAfter | None = field(default=None, kw_only=True)
    dedup_key: str | bytes | None = field(default=None, kw_only=True)
    dedup_window: DedupWindow | None = field(default=None, kw_only=True)
    on_duplicate: OnDuplicate = field(default="return", kw_only=True)


class EnqueueOptions(TypedDict, total=False):
    """The same by name, as `Outbox.enqueue` takes them."""

    partition: int | None
    key: str | bytes | None
    payload_type: str | None
    headers: Mapping[str, str] | None
    deliver_after: DeliverAfter | None
    dedup_key: str | bytes | None
    dedup_window: DedupWindow | None
    on_duplicate: OnDuplicate
