"""What this process has done so far, for `stats()` and now and then for the log."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from outbox import events
from outbox.runtime.directive import Directive, Sleep

log = logging.getLogger("outbox.stats")

NAMES = (
    "sequenced",
    "processed",
    "retried",
    "dead_lettered",
    "vacuumed",
    "lost_leases",
    "turns",
    "sequencer_passes",
    "polls",
)


class Counters:
    """Totals of events by name; an observer. Thread-safe."""

    def __init__(self) -> None:
        # Several threads add; the lock is held for one addition.
        self._lock = threading.Lock()
        self._totals = Counter(dict.fromkeys(NAMES, 0))

    def __call__(self, event: events.Event) -> None:
        """Add what an event tells of."""
        amounts = AMOUNTS[type(event)](event)
        with self._lock:
            for name, amount in amounts:
                self._totals[name] += amount

    def snapshot(self) -> dict[str, int]:
        """Return a copy of the totals."""
        with self._lock:
            return dict(self._totals)


def _turn_ended(event: events.TurnEnded) -> tuple[tuple[str, int], ...]:
    return (
        ("turns", 1),
        ("processed", event.processed),
        ("retried", event.retried),
        ("dead_lettered", event.dead_lettered),
        *((("set_aside", event.set_aside),) if event.set_aside else ()),
    )


def _dead_lettered(event: events.DeadLettered) -> tuple[tuple[str, int], ...]:
    # All others are counted with their turn.
    return (("processed", 1), ("dead_lettered", 1)) if event.quarantined else ()


AMOUNTS: dict[type[events.Event], Callable[[Any], tuple[tuple[str, int], ...]]] = {
    events.SequencerPassed: lambda event: (("sequencer_passes", 1), ("sequenced", event.count)),
    events.DeadLettered: _dead_lettered,
    events.TurnEnded: _turn_ended,
    events.LeaseLost: lambda event: (("lost_leases", len(event.partitions)),),
    events.Vacuumed: lambda event: (("vacuumed", event.count),),
    events.Polled: lambda _event: (("polls", 1),),
}


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
                extra={"event": "outbox.stats", "outbox": busy},
            )
        self._last = now
        return Sleep(self._interval)
