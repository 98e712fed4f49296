"""Count failures per message, apart from the tables that decide what is delivered."""

from outbox.failures.in_memory import InMemoryFailureTracker
from outbox.failures.sql import SqlFailureTracker
from outbox.failures.tracker import FailureEntry, FailureKey, FailureTracker

__all__ = ["FailureEntry", "FailureKey", "FailureTracker", "InMemoryFailureTracker", "SqlFailureTracker"]
