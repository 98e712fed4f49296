"""From events to counters and histograms."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from outbox import events
from outbox.contrib.extras import missing

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram
except ImportError as error:
    raise missing("prometheus_client", "prometheus") from error

HANDLER_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: from a statement to the length of a lease."""
DELAY_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0)
"""Seconds: from a wake-up to an outage of hours."""
NUMBER: Final = re.compile(r"-\d+$")


class PrometheusObserver:
    """An observer for `OutboxBuilder.observe` that counts; make one and give it to every builder.

    ``registry`` is the client library's default one unless given, ``namespace`` what all names begin with.
    They are plain metrics of that library, so its multiprocess mode works with them. Labels are names from
    your code (queue, outcome, error class, worker), never an id or a key.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY, *, namespace: str = "outbox") -> None:
        """Register the metrics; the library raises `ValueError` when they are registered already."""

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, namespace=namespace, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(name, text, ["queue"], namespace=namespace, registry=registry, buckets=buckets)

        self._enqueued = counter("enqueued_messages", "Messages whose enqueue is committed.", "queue")
        self._requeued = counter("requeued_messages", "Dead letters that were sent through again.")
        self._messages = counter(
            "messages", "Deliveries by outcome: success, retry, dead_lettered.", "queue", "outcome"
        )
        self._errors = counter("handler_errors", "Exceptions of handlers, by their class.", "queue", "error")
        self._lost = counter("lost_leases", "Leases that ran out before the acknowledgement.", "queue")
        self._blocked = counter(
            "blocked_partitions", "Tries to take a partition that stands still.", "queue", "reason"
        )
        self._vacuumed = counter("vacuumed_messages", "Delivered messages deleted from the tables.")
        self._worker_failures = counter("worker_failures", "Failed rounds of worker threads.", "worker")
        self._wakeups_lost = counter("lost_wakeups", "Failures to wake other processes, or to be woken.")
        self._handler = histogram("handler_seconds", "Time in a handler, for one call.", HANDLER_BUCKETS)
        self._delay = histogram(
            "delivery_delay_seconds",
            "Time from the enqueueing of a batch's first message to its handing over.",
            DELAY_BUCKETS,
        )
        self._by_kind: dict[type, Callable[[Any], object]] = {
            events.Enqueued: lambda e: self._enqueued.labels(e.queue).inc(e.count),
            events.Requeued: lambda e: self._requeued.inc(e.count),
            events.Delivered: self._delivered,
            events.Retried: lambda e: self._messages.labels(e.queue, "retry").inc(),
            events.DeadLettered: lambda e: self._messages.labels(e.queue, "dead_lettered").inc(),
            events.HandlerFailed: lambda e: self._errors.labels(e.queue, type(e.error).__name__).inc(),
            events.LeaseLost: lambda e: self._lost.labels(e.queue).inc(len(e.partitions)),
            events.PartitionBlocked: lambda e: self._blocked.labels(e.queue, e.reason).inc(),
            events.Vacuumed: lambda e: self._vacuumed.inc(e.count),
            # Threads of one kind count together: outbox-processor-2 is outbox-processor.
            events.WorkerFailed: lambda e: self._worker_failures.labels(NUMBER.sub("", e.worker)).inc(),
            events.WakeupsLost: lambda _: self._wakeups_lost.inc(),
        }

    def __call__(self, event: events.Event) -> None:
        """Count an event; kinds that a later release adds are passed over."""
        count = self._by_kind.get(type(event))
        if count is not None:
            count(event)

    def _delivered(self, event: events.Delivered) -> None:
        if succeeded := event.count - event.dead_lettered:
            self._messages.labels(event.queue, "success").inc(succeeded)
        self._handler.labels(event.queue).observe(event.seconds)
        if event.waited is not None:
            self._delay.labels(event.queue).observe(event.waited)
