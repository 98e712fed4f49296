"""The only place that puts an outbox together."""

from outbox.facade.outbox_builder import OutboxBuilder
from outbox.facade.queue_builder import QueueBuilder

__all__ = ["OutboxBuilder", "QueueBuilder"]
