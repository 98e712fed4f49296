"""Write messages on the caller's own connection, whichever library made it."""

from outbox.producers.adapt import adapt
from outbox.producers.connection import ProducerConnection
from outbox.producers.prepared_message import PreparedMessage
from outbox.producers.write import write

__all__ = ["PreparedMessage", "ProducerConnection", "adapt", "write"]
