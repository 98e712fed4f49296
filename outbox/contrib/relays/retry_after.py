"""The delay that an HTTP answer asks for."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

# A receiver may not stop a partition for ever.
LONGEST = 86_400.0


def retry_after(field: str | None, *, now: datetime | None = None) -> float | None:
    """Return the seconds of a ``Retry-After`` field, a number or a date; None for nonsense."""
    if field is None:
        return None
    try:
        delay = float(int(field))
    except ValueError:
        try:
            moment = parsedate_to_datetime(field)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        delay = (moment - (now or datetime.now(timezone.utc))).total_seconds()
    return min(max(delay, 0.0), LONGEST)
