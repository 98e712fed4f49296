"""The library's own log lines: an observer. They say where a message is, never what it says."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from outbox import events
from outbox.runtime.throttle import Throttle
from outbox.values.readable import count, failed_deliveries
from outbox.values.reasons import describe, loggable

HANDLERS: Final = logging.getLogger("outbox.handlers")
PROCESSOR: Final = logging.getLogger("outbox.workers.processor")
KEEPER: Final = logging.getLogger("outbox.workers.lease_keeper")
QUARANTINE: Final = logging.getLogger("outbox.workers.quarantine")
WORKERS: Final = logging.getLogger("outbox.workers")
LISTENER: Final = logging.getLogger("outbox.workers.listener")
NOTIFIER: Final = logging.getLogger("outbox.notifier")

# What every record of a message has: where it is, which one it is, and how often it has failed.
MESSAGE: Final = ("queue", "partition", "partition_id", "seq", "message_id", "key", "attempts")


class LogLines:
    """Writes a line for each event that a person should know of, and seldom one that was said before.

    Each record carries the event's name as ``event`` and its place as further extra fields. Thread-safe.
    """

    def __init__(self, throttle: Throttle | None = None) -> None:
        self._throttle = throttle or Throttle()
        self._lines: dict[type[events.Event], Callable[[Any], None]] = {
            events.HandlerFailed: self._handler_failed,
            events.Retried: self._retried,
            events.DeadLettered: self._dead_lettered,
            events.LeaseLost: self._lease_lost,
            events.LeaseRenewed: self._lease_renewed,
            events.PartitionBlocked: self._partition_blocked,
            events.WakeupsLost: self._wakeups_lost,
            events.WakeupsRestored: self._wakeups_restored,
            events.WorkerFailed: self._worker_failed,
            events.WorkerRecovered: self._worker_recovered,
            events.TrackerFailed: self._tracker_failed,
            events.QuarantineFull: self._quarantine_full,
        }
        self.kinds = frozenset(self._lines)
        """What it wants to be told."""
        # The kinds of errors of each failing worker: forgotten when it recovers.
        self._failing: dict[str, set[str]] = {}

    def __call__(self, event: events.Event) -> None:
        """Write the line of an event."""
        self._lines[type(event)](event)

    def _handler_failed(self, event: events.HandlerFailed) -> None:
        HANDLERS.log(
            # SystemExit and its like: a handler tried to end the thread.
            logging.ERROR if isinstance(event.error, Exception) else logging.CRITICAL,
            "handler failed; queue %s, partition %d, from seq %d on: %s",
            event.queue,
            event.partition,
            event.seq,
            event.reason,
            exc_info=loggable(event.error) if event.error.__traceback__ else None,
            extra=extra(event, *MESSAGE),
        )

    def _retried(self, event: events.Retried) -> None:
        PROCESSOR.warning(
            "retry: queue %s, partition %d, seq %d, failed deliveries %d, next in %.3f s: %s",
            event.queue,
            event.partition,
            event.seq,
            event.attempts,
            event.delay,
            event.reason,
            extra=extra(event, *MESSAGE),
        )

    def _dead_lettered(self, event: events.DeadLettered) -> None:
        logger = QUARANTINE if event.quarantined else PROCESSOR
        logger.error(
            "dead letter: queue %s, partition %d, seq %d, %s: %s",
            event.queue,
            event.partition,
            event.seq,
            "quarantined" if event.quarantined else f"after {failed_deliveries(event.attempts)}",
            event.reason,
            extra=extra(event, *MESSAGE),
        )

    def _lease_lost(self, event: events.LeaseLost) -> None:
        PROCESSOR.warning(
            "lease lost before the ack: queue %s, partitions %s; their messages will be delivered again "
            "(a longer lease, or renewals, prevents this)",
            event.queue,
            list(event.partitions),
            extra=extra(event, "queue", "partitions"),
        )

    def _lease_renewed(self, event: events.LeaseRenewed) -> None:
        KEEPER.debug(
            "renewed the lease of partitions %s of queue %s",
            list(event.partitions),
            event.queue,
            extra=extra(event, "queue", "partitions"),
        )

    def _partition_blocked(self, event: events.PartitionBlocked) -> None:
        if self._throttle.admit((event.name, event.partition_id, event.reason)) is None:
            return
        fields = extra(event, "queue", "partition", "partition_id", "seq", "refusals")
        if event.seq is not None:
            PROCESSOR.error(
                "queue %s, partition %d (id %d) stands still: it is processed up to seq %d, and message "
                "%d has been deleted from the outgoing table; put the row back, or set processed_seq to the "
                "number before the next row that is there",
                event.queue,
                event.partition,
                event.partition_id,
                event.seq - 1,
                event.seq,
                extra={**fields, "cursor": event.seq - 1},
            )
        else:
            PROCESSOR.warning(
                "queue %s, partition %d (id %d) was refused %d times in a row: its processor row is locked "
                "by a long transaction",
                event.queue,
                event.partition,
                event.partition_id,
                event.refusals,
                extra=fields,
            )

    def _wakeups_lost(self, event: events.WakeupsLost) -> None:
        if self._throttle.admit((event.name, event.sending)) is None:
            return
        if event.sending:
            NOTIFIER.warning(
                "could not wake other processes, they will find the messages by polling: %s",
                event.error,
                extra=extra(event),
            )
        else:
            LISTENER.warning(
                "no wake-ups from other processes, polling instead: %s; trying again in %.0f s",
                event.error,
                event.retry_in,
                extra=extra(event, "retry_in"),
            )

    def _wakeups_restored(self, event: events.WakeupsRestored) -> None:
        self._throttle.over((events.WakeupsLost.name, False))
        LISTENER.info("wake-ups from other processes arrive again", extra=extra(event))

    def _worker_failed(self, event: events.WorkerFailed) -> None:
        kind = type(event.error).__name__
        self._failing.setdefault(event.worker, set()).add(kind)
        admission = self._throttle.admit((event.name, event.worker, kind))
        if admission is not None:
            WORKERS.error(
                "%s failed (%d in a row), trying again in %.1f s: %s",
                event.worker,
                event.failures,
                event.retry_in,
                describe(event.error),
                # One traceback is enough for an outage.
                exc_info=loggable(event.error) if admission.new else None,
                extra=extra(event, "worker", "failures", "retry_in"),
            )

    def _worker_recovered(self, event: events.WorkerRecovered) -> None:
        causes = sorted(self._failing.pop(event.worker, ()))
        for kind in causes:
            self._throttle.over((events.WorkerFailed.name, event.worker, kind))
        WORKERS.info(
            "%s recovered after %s in %.1f s: %s",
            event.worker,
            count(event.failures, "failure"),
            event.seconds,
            ", ".join(causes),
            extra={**extra(event, "worker", "failures", "seconds"), "causes": causes},
        )

    def _tracker_failed(self, event: events.TrackerFailed) -> None:
        admission = self._throttle.admit((event.name, event.what))
        if admission is not None:
            QUARANTINE.error(
                "%s%s: %s",
                event.what,
                f" ({admission.held_back} more such errors were not logged)" if admission.held_back else "",
                describe(event.error),
                exc_info=loggable(event.error),
                extra=extra(event),
            )

    def _quarantine_full(self, event: events.QuarantineFull) -> None:
        QUARANTINE.warning(
            "more than %d messages have failed too often; the others wait for the next sweep "
            "(when a downstream is away, Retry(..., counts=False) keeps its messages out of this)",
            event.limit,
            extra=extra(event, "limit"),
        )


def extra(event: events.Event, *fields: str) -> dict[str, object]:
    """Return the extra fields of a record: the event's name and some of its fields."""
    return {"event": event.name, **{name: getattr(event, name) for name in fields}}
