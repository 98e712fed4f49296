"""The only place that puts an outbox together."""

from outbox.builder.outbox_builder import OutboxBuilder
from outbox.builder.queue_builder import QueueBuilder

__all__ = ["OutboxBuilder", "QueueBuilder"]
