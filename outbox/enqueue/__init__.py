"""Write messages: checked, encoded, and inserted by the statements of ``enqueue.sql``.

Invariants:

- Ids come back in the order of the messages, and a message has a higher id than those before it in its call:
  the order of a partition is that of its ids.
- What is wrong with any message of a call is found before the first is written.
- A call is cut by rows and bytes into statements, never by anything that a reader could tell.
- Each connection is asked once where it leads to (`place`), and writes nowhere else.
"""

from outbox.enqueue.prepared_message import PreparedMessage
from outbox.enqueue.write import write

__all__ = ["PreparedMessage", "write"]
