"""Write messages: checked, encoded, and inserted by the statements of ``enqueue.sql``."""

from outbox.enqueue.prepared_message import PreparedMessage
from outbox.enqueue.write import write

__all__ = ["PreparedMessage", "write"]
