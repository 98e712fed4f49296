"""Traces and metrics by OpenTelemetry's conventions for messaging; needs its API package alone.

Install the extra ``opentelemetry``. ``OutboxInstrumentor().instrument()`` switches everything on, before
builders are made; `opentelemetry-instrument` does it by itself.
"""

from outbox.contrib.opentelemetry.instrumentor import OutboxInstrumentor
from outbox.contrib.opentelemetry.wrapper import OpenTelemetryWrapper

__all__ = ["OpenTelemetryWrapper", "OutboxInstrumentor"]
