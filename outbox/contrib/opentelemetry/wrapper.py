"""A span and a duration around each call of a handler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, TracerProvider, get_current_span

from outbox.clock import monotonic
from outbox.contrib.opentelemetry.conventions import attributes, meter_of, seconds_of, tracer_of
from outbox.handlers.around import Delivery
from outbox.values.message import OutboxMessage
from outbox.values.results import HandlerResult, Reject, Retry


class OpenTelemetryWrapper:
    """For `OutboxBuilder.around`: a span ``process <queue>`` with a link to where each message was enqueued.

    With ``parent`` the span of a single message is a child of its enqueue's span, in the same trace, however
    much later that is; a batch has links all the same. Give it first, so that it is around other wrappers.
    """

    def __init__(
        self,
        *,
        parent: bool = False,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        """Use the global providers unless some are given."""
        self._parent = parent
        self._tracer = tracer_of(tracer_provider)
        self._duration = seconds_of(
            meter_of(meter_provider), "messaging.process.duration", "Duration of processing operation."
        )

    def __call__(self, delivery: Delivery, call_next: Callable[[], HandlerResult]) -> HandlerResult:
        """Call the handler within the span; results and exceptions pass as they are."""
        common = attributes(delivery.queue, "process", "process")
        began, error_type = monotonic(), "_OTHER"
        contexts = [propagate.extract(message.headers) for message in delivery.messages]
        with self._tracer.start_as_current_span(
            f"process {delivery.queue}",
            context=contexts[0] if self._parent and len(contexts) == 1 else None,
            kind=SpanKind.CONSUMER,
            attributes={**common, **of_messages(delivery.messages)},
            links=[Link(found) for found in map(span_of, contexts) if found.is_valid],
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                result = call_next()
            except (Retry, Reject) as raised:
                error_type = failed(span, raised) or ""
                raise
            except BaseException as raised:
                span.record_exception(raised)
                error_type = type(raised).__qualname__
                fail(span, error_type, str(raised))
                raise
            else:
                error_type = failed(span, result) or ""
                return result
            finally:
                more = {"error.type": error_type} if error_type else {}
                self._duration.record(monotonic() - began, {**common, **more})


def span_of(context: Context) -> Any:
    """Return the context of the span in a propagated context."""
    return get_current_span(context).get_span_context()


def of_messages(messages: Sequence[OutboxMessage]) -> dict[str, Any]:
    """Return what a span says of its messages."""
    first = messages[0]
    partition = {"messaging.destination.partition.id": str(first.partition)}
    if len(messages) > 1:
        return {**partition, "messaging.batch.message_count": len(messages)}
    return {
        **partition,
        "messaging.message.id": first.uid,
        "messaging.message.body.size": len(first.payload),
        "outbox.message.attempts": first.attempts,
    }


def failed(span: Span, result: object) -> str | None:
    """Mark the span of a message that comes again or never; return the type of its failure."""
    kind = {Retry: "retry", Reject: "reject"}.get(type(result))
    if kind is not None:
        fail(span, kind, str(getattr(result, "reason", "")))
    return kind


def fail(span: Span, error_type: str, text: str) -> None:
    """Mark a span as failed."""
    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR, text))
