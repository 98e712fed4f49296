"""Wait for a database that is not there yet."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from outbox.clock import Deadline
from outbox.errors import ConnectionLost, Contention, OutboxError, ReadOnlyServer, SchemaNotReady

log = logging.getLogger("outbox.workers")

NOT_YET: Final = (ConnectionLost, Contention, ReadOnlyServer, SchemaNotReady)
"""What passes by itself: a server that starts, a failover that is under way, a migration that runs beside."""
FIRST_PAUSE: Final = 0.1
"""Seconds, doubled up to the longest: what starts beside this process is often there in an instant."""
LONGEST_PAUSE: Final = 1.0
"""Seconds, the poll interval of a process that runs: one that waits asks no more often than that."""
LOG_EVERY: Final = 10.0
"""Seconds: six lines a minute."""

T = TypeVar("T")
Rest: TypeAlias = Callable[[OutboxError, float], object]
"""Waits for some seconds after an error; what it raises ends the waiting."""


def patiently(
    attempt: Callable[[], T], wait: float, rest: Rest = lambda _error, pause: time.sleep(pause)
) -> T:
    """Return what ``attempt`` returns; for ``wait`` seconds, try again while the database is not there.

    Raises the last error when the time is over, and whatever waiting does not cure at once.
    """
    patience, quiet, pause = Deadline.after(wait), Deadline.after(0), FIRST_PAUSE
    while True:
        try:
            return attempt()
        except NOT_YET as error:
            if patience.passed:
                raise
            if quiet.passed:
                log.warning(
                    "not started yet, for at most %.0f s more: %s",
                    patience.remaining(),
                    error,
                    extra={"event": "outbox.waiting_to_start"},
                )
                quiet = Deadline.after(LOG_EVERY)
            rest(error, min(pause, patience.remaining()))
        pause = min(2 * pause, LONGEST_PAUSE)
