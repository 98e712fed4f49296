"""A line of statistics in the log, now and then."""

from __future__ import annotations

import logging

from outbox.runtime.directive import Directive, Sleep
from outbox.workers.counters import Counters

log = logging.getLogger("outbox.stats")


class Reporter:
    """The action of the reporter thread: says what was done since the last line, if anything was."""

    def __init__(self, counters: Counters, interval: float) -> None:
        self._counters = counters
        self._interval = interval
        self._last: dict[str, int] = {}

    def run_once(self) -> Directive:
        """Log the difference to the last report."""
        now = self._counters.snapshot()
        delta = {name: value - self._last.get(name, 0) for name, value in sorted(now.items())}
        busy = {name: value for name, value in delta.items() if value and name != "polls"}
        if busy:
            log.info(
                "in the last %.0f s: %s",
                self._interval,
                ", ".join(f"{name} {value}" for name, value in busy.items()),
                extra={"outbox": busy},
            )
        self._last = now
        return Sleep(self._interval)
