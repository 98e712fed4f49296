"""Names and numbers of OpenTelemetry's semantic conventions for messaging, version 1.44."""

from __future__ import annotations

from typing import Any, Final

from outbox.contrib.extras import missing

try:
    from opentelemetry.metrics import Histogram, Meter, MeterProvider, get_meter
    from opentelemetry.trace import Tracer, TracerProvider, get_tracer
except ImportError as error:
    raise missing("opentelemetry", "opentelemetry") from error

SCOPE: Final = "outbox"
SCHEMA: Final = "https://opentelemetry.io/schemas/1.44.0"
SYSTEM: Final = "outbox"
# Seconds; those that the conventions ask for.
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


def tracer_of(provider: TracerProvider | None) -> Tracer:
    """Return a tracer of a provider, the global one unless given."""
    return get_tracer(SCOPE, tracer_provider=provider, schema_url=SCHEMA)


def meter_of(provider: MeterProvider | None) -> Meter:
    """Return a meter of a provider, the global one unless given."""
    return get_meter(SCOPE, meter_provider=provider, schema_url=SCHEMA)


def seconds_of(meter: Meter, name: str, text: str) -> Histogram:
    """Return a histogram of seconds."""
    return meter.create_histogram(
        name, unit="s", description=text, explicit_bucket_boundaries_advisory=list(BUCKETS)
    )


def attributes(queue: str, operation: str, kind: str) -> dict[str, Any]:
    """Return what spans and metrics of an operation have in common: no id and no key."""
    return {
        "messaging.system": SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": queue,
    }
