"""Count failures per message, apart from the tables that decide what is delivered.

Invariants:

- A tracker only advises: whatever it does or fails to do, nothing is delivered differently but for what the
  sweeper gives up, as its partition's head and under the partition's lock.
- A message that is finished is forgotten, at the latest by a sweep.
"""

from outbox.failures.in_memory import InMemoryFailureTracker
from outbox.failures.sql import SqlFailureTracker
from outbox.failures.tracker import FailureEntry, FailureKey, FailureTracker

__all__ = ["FailureEntry", "FailureKey", "FailureTracker", "InMemoryFailureTracker", "SqlFailureTracker"]
