"""Which dead letters an operation is about, and which a listing shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from outbox.dead_letters.letter import DeadLetterStatus
from outbox.errors import ConfigurationError
from outbox.values.durations import whole
from outbox.values.keys import check_key
from outbox.values.validation import validate_payload_type, validate_queue

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, kw_only=True)
class DeadLetterScope:
    """Which dead letters an operation may touch; what is not given does not restrict it.

    ``group`` is the fingerprint of one of `DeadLetters.groups`, and ``ids`` are the letters' own ids, any
    iterable of them; an empty one matches nothing. ``failed_after`` and ``failed_before`` are aware times of
    the last failure, the first included and the second not. ``after_id`` goes on behind this letter: above it
    for operations, which begin with the oldest, below it for listings, which begin with the newest. ``limit``
    is the largest number of letters to touch. Raises
    `ConfigurationError`, `InvalidQueueName` and `InvalidPayloadType` for values that cannot be meant.
    """

    partition_id: int | None = None
    queue: str | None = None
    payload_type: str | None = None
    key: str | bytes | None = None
    ids: Iterable[int] | None = None
    limit: int | None = None
    failed_before: datetime | None = None
    failed_after: datetime | None = None
    after_id: int | None = None
    group: str | None = None

    def __post_init__(self) -> None:
        if self.partition_id is not None:
            whole(self.partition_id, option="partition_id", minimum=1)
        if self.queue is not None:
            validate_queue(self.queue)
        if self.payload_type is not None:
            validate_payload_type(self.payload_type)
        if self.key is not None:
            check_key(self.key)
        group: object = self.group
        if group is not None and not isinstance(group, str):
            raise ConfigurationError("group", group, "give the fingerprint of a group")
        if self.ids is not None:
            object.__setattr__(self, "ids", checked_ids(self.ids))
        if self.limit is not None:
            whole(self.limit, option="limit", minimum=1)
        check_time("failed_before", self.failed_before)
        check_time("failed_after", self.failed_after)
        if self.after_id is not None:
            whole(self.after_id, option="after_id", minimum=1)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed."""
        return replace(self, **changes)


@dataclass(frozen=True, kw_only=True)
class DeadLetterFilter(DeadLetterScope):
    """Which dead letters to show: a scope, and in which status they are.

    ``status`` is `DeadLetterStatus.PENDING` unless given; None is any, see `any_status`. A page of a listing
    is continued with the id of its last letter as ``after_id``.
    """

    status: DeadLetterStatus | None = DeadLetterStatus.PENDING

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.status is not None:
            object.__setattr__(self, "status", checked_status(self.status))

    def any_status(self) -> Self:
        """Return a copy that letters of every status pass."""
        return self.replace(status=None)


def checked_ids(ids: object) -> tuple[int, ...]:
    """Return ids without duplicates, ascending, as a tuple."""
    if isinstance(ids, (str, bytes)) or not isinstance(ids, Iterable):
        raise ConfigurationError("ids", ids, "give the ids of dead letters, in a list")
    checked = sorted({whole(item, option="ids", minimum=1) for item in ids})
    return tuple(checked)


def checked_status(status: object) -> DeadLetterStatus:
    """Return a status; its name in the table will do."""
    try:
        return DeadLetterStatus(status)
    except ValueError:
        known = ", ".join(DeadLetterStatus)
        raise ConfigurationError("status", status, f"give one of {known}, or None for any") from None


def check_time(option: str, value: object) -> None:
    """Refuse a time that does not say in which zone it is."""
    if value is not None and not (isinstance(value, datetime) and value.utcoffset() is not None):
        raise ConfigurationError(option, value, "give a datetime with a time zone, such as timezone.utc")


def checked_filter(given: object) -> DeadLetterFilter:
    """Return a filter: the given one, the default for None, or one of the pending letters of a scope."""
    if given is None:
        return DeadLetterFilter()
    if isinstance(given, DeadLetterFilter):
        return given
    if isinstance(given, DeadLetterScope):
        return DeadLetterFilter(**{field.name: getattr(given, field.name) for field in fields(given)})
    raise ConfigurationError("filter", given, "give a DeadLetterFilter")


def checked_scope(given: object) -> DeadLetterScope:
    """Return a scope: the given one, or all for None."""
    if given is None:
        return DeadLetterScope()
    # A filter is a scope too, but its status would be passed over in silence.
    if isinstance(given, DeadLetterFilter) or not isinstance(given, DeadLetterScope):
        raise ConfigurationError("scope", given, "give a DeadLetterScope; filters are for list() and count()")
    return given


def refuse_everything(scope: DeadLetterScope) -> None:
    """Refuse a scope that restricts nothing."""
    if scope == DeadLetterScope():
        raise ConfigurationError(
            "scope",
            scope,
            "it restricts nothing; give a queue, partition_id, payload_type, key, ids, times or a limit",
        )
