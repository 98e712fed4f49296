"""A handler that notes when each message arrived, and a committed message's way to it."""

from __future__ import annotations

import time

from outbox import OutboxHandle, OutboxMessage
from tests.support import eventually

# Polls that find nothing come at doubled intervals from 50 ms on: after these the next is more than a second away.
QUIET_POLLS = 6


class Inbox:
    """Call it as a leased handler."""

    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}

    def __call__(self, msg: OutboxMessage) -> None:
        self.arrived[msg.json()] = time.monotonic()

    def delay(self, name: str, committed: float, timeout: float = 10) -> float:
        """Wait for a message and return the seconds from its commit to its arrival."""
        return eventually(lambda: self.arrived.get(name), timeout, what=f"{name} arrived") - committed


def polls(handle: OutboxHandle) -> int:
    return handle.stats().counters.get("polls", 0)


def quiet(handle: OutboxHandle) -> int:
    """Wait until the next poll is far away; return how many there were."""
    return eventually(lambda: polls(handle) if polls(handle) >= QUIET_POLLS else 0)
