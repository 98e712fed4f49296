"""One dead letter, and where it stands."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any


class DeadLetterStatus(str, enum.Enum):
    """Where a dead letter stands; each is its name in the table.

    ::

                      replay                    resolve
        PENDING ------------------> REPROCESSING -----------> RESOLVED ---+
         |   |  <------------------      | ^                     ^        | cleanup
         |   |        reject             | | replay, once the    |        +---------> (deleted)
         |   |                           +-+ deadline has passed |        |
         |   +---------------------------------------------------+        |
         |                    requeue                                     |
         +--------------------------------------------------> DISCARDED --+
                              discard

    Nothing is replayed by itself. A claim whose deadline has passed counts as pending: it can be
    claimed anew, requeued and discarded. Until that happens its claimant may still resolve or reject it.
    """

    PENDING = "pending"
    REPROCESSING = "reprocessing"
    RESOLVED = "resolved"
    DISCARDED = "discarded"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class DeadLetter:
    """A message that was given up, as it stood when it was read. Frozen; may be shared between threads.

    Times are aware, in UTC, by the database's clock. Its ``repr`` shows no payload.
    """

    id: int
    """Its own number, by which scopes name it; grows with the time of the first failure."""
    message_id: int
    """What `Outbox.enqueue` returned for the message."""
    queue: str
    """Empty when the queue's rows are gone from the database; ``partition`` is -1 then."""
    partition: int
    partition_id: int
    seq: int
    payload: bytes
    payload_type: str
    headers: Mapping[str, str]
    """Read-only. Headers that are no JSON object of strings are one text, named ``unreadable-headers``."""
    created_at: datetime
    """When the message was enqueued."""
    failed_at: datetime
    """When it failed last: the time when it was given up, or of the last `DeadLetters.reject`."""
    last_error: str | None
    attempts: int
    """Failed deliveries and rejections."""
    status: DeadLetterStatus
    completed_at: datetime | None = None
    """When it was resolved or discarded."""
    deadline: datetime | None = None
    """Until when it is its claimant's alone."""
    claim: str | None = None
    """Who holds it: one token for each `DeadLetters.replay`."""
    key: str | None = None
    """That of the enqueue, as text."""
    uid: str = ""
    """The name that the message had at its handler, and keeps when it is requeued."""
    source: str = ""
    """Where ``seq`` comes from; see `OutboxMessage.source`."""
    origin: str | None = None
    """The name of the message that this one repeats."""
    group: str = ""
    """The fingerprint of its last failure; see `DeadLetters.groups`."""
    first_failed_at: datetime | None = None
    """When it was given up; ``failed_at`` is the last failure."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", MappingProxyType(dict(self.headers)))

    def json(self) -> Any:
        """Parse the payload as JSON; raises `ValueError` if it is none. Parses anew at each call."""
        return json.loads(self.payload)

    def __hash__(self) -> int:
        return hash((self.id, self.claim))

    def __repr__(self) -> str:
        return (
            f"<DeadLetter id={self.id} {self.status} queue={self.queue!r} partition={self.partition} "
            f"seq={self.seq} attempts={self.attempts} last_error={self.last_error!r} "
            f"payload_type={self.payload_type!r} payload={len(self.payload)} bytes>"
        )

    def __reduce__(self) -> tuple[type[DeadLetter], tuple[Any, ...]]:
        # A read-only mapping cannot be pickled.
        facts = {**vars(self), "headers": dict(self.headers)}
        return DeadLetter, tuple(facts.values())


@dataclass(frozen=True)
class DeadLetterGroup:
    """Letters that failed alike."""

    fingerprint: str
    """The exception and the function of the application that raised it, or the reason without its numbers.

    Empty for letters of releases that did not note it.
    """
    count: int
    first_failed_at: datetime
    """When the first of them failed."""
    last_failed_at: datetime
    example: int
    """The id of the newest letter."""

    def with_more(self, other: DeadLetterGroup) -> DeadLetterGroup:
        """Return the group of both; their letters stand in different statuses."""
        return DeadLetterGroup(
            self.fingerprint,
            self.count + other.count,
            min(self.first_failed_at, other.first_failed_at),
            max(self.last_failed_at, other.last_failed_at),
            max(self.example, other.example),
        )
