"""When a message is due, as producers say it: after a while, or at a time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from outbox.errors import ConfigurationError
from outbox.values.durations import seconds

DeliverAfter = float | timedelta | datetime
MICROSECONDS = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def waiting(deliver_after: object) -> tuple[int | None, int | None]:
    """Return microseconds from now, or microseconds since 1970; neither for a message that is due at once.

    Raises `ConfigurationError` for a datetime without a time zone, and for what is no duration.
    """
    if deliver_after is None:
        return None, None
    if isinstance(deliver_after, datetime):
        if deliver_after.utcoffset() is None:
            problem = "it has no time zone; give datetime.now(timezone.utc) + …, or a timedelta"
            raise ConfigurationError("deliver_after", deliver_after, problem)
        # What lies before 1970 is due as much as 1970 itself.
        return None, max((deliver_after - EPOCH) // timedelta(microseconds=1), 0)
    delay = round(seconds(deliver_after, option="deliver_after") * MICROSECONDS)
    return (delay, None) if delay else (None, None)
