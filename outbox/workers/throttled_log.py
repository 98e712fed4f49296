"""Say once what would be said again and again."""

from __future__ import annotations

import logging

from outbox.clock import Clock, monotonic
from outbox.values.reasons import describe

SILENCE = 60.0


class ThrottledLog:
    """Logs at most one line a minute, and how many it has held back. For one thread."""

    def __init__(self, logger: logging.Logger, *, clock: Clock = monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._silent_until: float | None = None
        self._held_back = 0

    def error(self, what: str, error: Exception) -> None:
        """Log a failure with its traceback, unless the last line is less than a minute old."""
        if self._silent_until is not None and self._clock() < self._silent_until:
            self._held_back += 1
            return
        self._logger.error(
            "%s (%d more such errors were not logged): %s",
            what,
            self._held_back,
            describe(error),
            exc_info=error,
        )
        self._held_back = 0
        self._silent_until = self._clock() + SILENCE
