"""From what became of deliveries to what a failure tracker is told."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from outbox.backends.records import Delivery
from outbox.events import TrackerFailed
from outbox.failures import FailureKey, FailureTracker
from outbox.failures.quarantine import Quarantine
from outbox.handlers.outcome import Failed
from outbox.runtime.observers import Observers
from outbox.workers.settling import Decision

# What a tracker that is away may miss: the oldest news goes first.
MOST_EVENTS = 10_000
TROUBLE = "the failure tracker failed; delivery goes on without it"
UNEXPLAINED = "a start without a result: process died or lease ran out"
# Time for a sweep, in whichever process.
LEAST_REST = 1.0


class Event(NamedTuple):
    """A counted failure of a message, or without a reason its end."""

    key: FailureKey
    reason: str | None


class FailureRecorder:
    """Remembers in memory what the sweeper's thread then tells the tracker, so that no delivery waits for it.

    Most messages have nothing to tell: only a head that has failed before is reported as finished.
    `note` and `record_unexplained_start` are for processor threads, `flush` for the sweeper's own.
    """

    def __init__(self, tracker: FailureTracker, quarantine: Quarantine, observers: Observers) -> None:
        self._tracker = tracker
        self._quarantine = quarantine
        self._events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self._observers = observers

    def note(self, decisions: Iterable[tuple[Delivery, Decision]]) -> None:
        """Take in what has just been committed."""
        for delivery, decision in decisions:
            if delivery.attempts and decision.processed:
                self._events.append(Event(FailureKey(delivery.partition_id, delivery.cursor + 1), None))
            if decision.attributed:
                key = FailureKey(delivery.partition_id, decision.settlement.cursor + 1)
                self._events.append(Event(key, decision.settlement.last_error or ""))

    def record_unexplained_start(self, delivery: Delivery) -> Failed | None:
        """Record a start that never reported back; return a failure if the message must wait.

        This is told at once and before the next start: if that kills the process too, what was in memory
        is lost with it. When there are too many of them the head rests, for the sweeper to take it. The
        first such start is not charged: it may have been that of a batch. Since then the head came alone.
        """
        if not delivery.crashed or delivery.attempts <= 1:
            return None
        key = FailureKey(delivery.partition_id, delivery.cursor + 1)
        try:
            failures = self._tracker.record_failure(key, UNEXPLAINED)
        except Exception as error:  # the tracker is the user's code, and advice
            self._observers.tell(TrackerFailed(what=TROUBLE, error=error))
            return None
        if failures < self._quarantine.threshold:
            return None
        rest = max(LEAST_REST, 2 * self._quarantine.interval)
        return Failed(UNEXPLAINED, rest, counts=False)

    def flush(self) -> None:
        """Tell the tracker all news in their order. The first that it cannot take ends this, and is lost."""
        try:
            while self._events:
                self._tell(self._events.popleft())
        except Exception as error:  # the tracker is the user's code, and advice
            self._observers.tell(TrackerFailed(what=TROUBLE, error=error))

    def _tell(self, event: Event) -> None:
        if event.reason is None:
            self._tracker.record_success(event.key)
        else:
            self._tracker.record_failure(event.key, event.reason)
