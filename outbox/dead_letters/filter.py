"""Which dead letters to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from outbox.dead_letters.scope import DeadLetterScope
from outbox.dead_letters.status import DeadLetterStatus
from outbox.errors import ConfigurationError
from outbox.values.durations import whole

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, kw_only=True)
class DeadLetterFilter(DeadLetterScope):
    """Which dead letters to show: a scope, and what matters only for looking.

    ``status`` is `DeadLetterStatus.PENDING` unless given; None is any, see `any_status`. ``failed_after``
    and ``failed_before`` are aware times, the first included and the second not. ``after_id`` continues a
    listing: give the id of the last letter of the page before.
    """

    status: DeadLetterStatus | None = DeadLetterStatus.PENDING
    failed_before: datetime | None = None
    failed_after: datetime | None = None
    after_id: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.status is not None:
            object.__setattr__(self, "status", checked_status(self.status))
        check_time("failed_before", self.failed_before)
        check_time("failed_after", self.failed_after)
        if self.after_id is not None:
            whole(self.after_id, option="after_id", minimum=1)

    def any_status(self) -> Self:
        """Return a copy that letters of every status pass."""
        return self.replace(status=None)


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
