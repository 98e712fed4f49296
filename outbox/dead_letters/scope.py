"""Which dead letters an operation is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from outbox.errors import ConfigurationError
from outbox.values.durations import whole
from outbox.values.validation import validate_payload_type, validate_queue

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, kw_only=True)
class DeadLetterScope:
    """Which dead letters an operation may touch; what is not given does not restrict it.

    ``ids`` are the letters' own ids, any iterable of them; an empty one matches nothing. ``limit`` is the
    largest number of letters to touch, the oldest first. Raises `ConfigurationError`,
    `InvalidQueueName` and `InvalidPayloadType` for values that cannot be meant.
    """

    partition_id: int | None = None
    queue: str | None = None
    payload_type: str | None = None
    ids: Iterable[int] | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.partition_id is not None:
            whole(self.partition_id, option="partition_id", minimum=1)
        if self.queue is not None:
            validate_queue(self.queue)
        if self.payload_type is not None:
            validate_payload_type(self.payload_type)
        if self.ids is not None:
            object.__setattr__(self, "ids", checked_ids(self.ids))
        if self.limit is not None:
            whole(self.limit, option="limit", minimum=1)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        return replace(self, **changes)


def checked_ids(ids: object) -> tuple[int, ...]:
    """Return ids without duplicates, ascending, as a tuple."""
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
        raise ConfigurationError("ids", ids, "give the ids of dead letters, in a list")
    checked = sorted({whole(item, option="ids", minimum=1) for item in ids})
    return tuple(checked)
