"""The caller's connection, whichever library made it: one shape for enqueue, dead letters and failures."""

from outbox.connections.adapt import adapt
from outbox.connections.connection import ProducerConnection

__all__ = ["ProducerConnection", "adapt"]
