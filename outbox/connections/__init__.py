"""The caller's connection, whichever library made it: one shape for enqueue, dead letters and failures.

Invariants:

- Nothing here commits, retries or closes, and no setting of the connection is changed: the transaction is the
  caller's.
- The driver's errors pass unchanged.
- No driver is imported before a connection of it has come: classes are known by package and name.
- A driver says whose SQL its servers understand; which database it is, `outbox.backends.connect` says.
"""

from outbox.connections.adapt import adapt
from outbox.connections.connection import ProducerConnection

__all__ = ["ProducerConnection", "adapt"]
