"""Switch tracing on for every outbox of the process, as OpenTelemetry's automatic instrumentation does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from opentelemetry import propagate
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, SpanKind, TracerProvider

from outbox import events
from outbox.clock import monotonic
from outbox.contrib.opentelemetry.conventions import attributes, meter_of, seconds_of, tracer_of
from outbox.contrib.opentelemetry.wrapper import OpenTelemetryWrapper
from outbox.facade.options_builder import OptionsBuilder
from outbox.facade.outbox import Outbox
from outbox.values.message import EnqueueMessage

T = TypeVar("T")


class OutboxInstrumentor:
    """Adds spans, context and metrics to every builder made after `instrument`; found by its entry point.

    It has the methods of OpenTelemetry's ``BaseInstrumentor`` and does not need the package that has it.
    """

    # The class's own, since every look-up of the entry point makes another object.
    _originals: dict[tuple[type, str], Any] = {}  # noqa: RUF012

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return nothing: what is instrumented is this very distribution."""
        return ()

    @property
    def is_instrumented_by_opentelemetry(self) -> bool:
        """Whether `instrument` was called, and not `uninstrument` since."""
        return bool(self._originals)

    def instrument(
        self,
        *,
        parent: bool = False,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        **_: Any,
    ) -> None:
        """Switch it on; idempotent. ``parent`` is that of `OpenTelemetryWrapper`."""
        if self._originals:
            return
        wrapper = OpenTelemetryWrapper(
            parent=parent, tracer_provider=tracer_provider, meter_provider=meter_provider
        )
        producer = Producer(tracer_provider, meter_provider)

        def initialise(original: Callable[..., None]) -> Callable[..., None]:
            @wraps(original)
            def made(builder: OptionsBuilder, *args: Any, **options: Any) -> None:
                original(builder, *args, **options)
                builder.around(wrapper).headers_from(inject).observe(producer.observe)

            return made

        self._replace(OptionsBuilder, "__init__", initialise)
        self._replace(Outbox, "enqueue", producer.enqueue)
        self._replace(Outbox, "enqueue_now", producer.enqueue_now)
        self._replace(Outbox, "enqueue_batch", producer.enqueue_batch)

    def uninstrument(self, **_: Any) -> None:
        """Switch it off for builders made from now on."""
        while self._originals:
            (owner, name), original = self._originals.popitem()
            setattr(owner, name, original)

    def _replace(self, owner: type, name: str, around: Callable[[Any], Any]) -> None:
        original = self._originals[owner, name] = getattr(owner, name)
        setattr(owner, name, around(original))


def inject() -> dict[str, str]:
    """Return the headers that carry the current trace and baggage: for `OutboxBuilder.headers_from`."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


class Producer:
    """Spans around the enqueueing, and counters of what was committed."""

    def __init__(self, tracer_provider: TracerProvider | None, meter_provider: MeterProvider | None) -> None:
        meter = meter_of(meter_provider)
        self._tracer = tracer_of(tracer_provider)
        self._duration = seconds_of(
            meter,
            "messaging.client.operation.duration",
            "Duration of an enqueue.",
        )
        self._sent = meter.create_counter(
            "messaging.client.sent.messages", unit="{message}", description="Number of messages sent."
        )
        self._consumed = meter.create_counter(
            "messaging.client.consumed.messages",
            unit="{message}",
            description="Number of messages delivered to the application.",
        )

    def observe(self, event: events.Event) -> None:
        """Count what is committed: an enqueue that was rolled back is none."""
        if isinstance(event, events.Enqueued):
            self._sent.add(event.count, attributes(event.queue, "enqueue", "send"))
        elif isinstance(event, events.Delivered):
            handed = event.count + (event.outcome == "retry")
            self._consumed.add(handed, attributes(event.queue, "process", "process"))

    def enqueue(self, original: Callable[..., int]) -> Callable[..., int]:
        """Put a span around `Outbox.enqueue`, by which `Outbox.aenqueue` writes too."""

        @wraps(original)
        def enqueue(outbox: Outbox, conn: object, queue: str, payload: object, **options: Any) -> int:
            return self._traced(queue, 1, lambda: original(outbox, conn, queue, payload, **options))

        return enqueue

    def enqueue_now(self, original: Callable[..., int]) -> Callable[..., int]:
        """Put a span around `Outbox.enqueue_now`."""

        @wraps(original)
        def enqueue_now(outbox: Outbox, queue: str, payload: object, **options: Any) -> int:
            return self._traced(queue, 1, lambda: original(outbox, queue, payload, **options))

        return enqueue_now

    def enqueue_batch(self, original: Callable[..., list[int]]) -> Callable[..., list[int]]:
        """Put one span around `Outbox.enqueue_batch`, whose messages all carry it."""

        @wraps(original)
        def enqueue_batch(
            outbox: Outbox, conn: object, queue: str, messages: Iterable[EnqueueMessage]
        ) -> list[int]:
            given: Any = messages
            # What is no list of messages is refused by the call itself.
            known: Any = [*given] if isinstance(given, Iterable) else given
            count = len(known) if isinstance(known, list) else 0
            return self._traced(queue, count, lambda: original(outbox, conn, queue, known))

        return enqueue_batch

    def _traced(self, queue: str, count: int, call: Callable[[], T]) -> T:
        with self._span(queue, count) as span:
            done = call()
            if isinstance(done, int):
                span.set_attribute("messaging.message.id", str(done))
            return done

    @contextmanager
    def _span(self, queue: str, count: int) -> Iterator[Span]:
        common: dict[str, Any] = attributes(queue, "enqueue", "send")
        batch = {"messaging.batch.message_count": count} if count != 1 else {}
        began, more = monotonic(), {}
        with self._tracer.start_as_current_span(
            f"enqueue {queue}", kind=SpanKind.PRODUCER, attributes={**common, **batch}
        ) as span:
            try:
                yield span
            except BaseException as error:
                more["error.type"] = type(error).__qualname__
                span.set_attribute("error.type", more["error.type"])
                raise
            finally:
                self._duration.record(monotonic() - began, {**common, **more})
