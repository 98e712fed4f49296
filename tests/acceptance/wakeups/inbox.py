"""A handler that notes when each message arrived, and a committed message's way to it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from outbox import Outbox, OutboxHandle, OutboxMessage
from outbox.workers import reconciler
from tests.acceptance.bench import QUEUE
from tests.support import Database, eventually

NEVER = 60.0
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


def begin_and_enqueue(database: Database, outbox: Outbox, name: str) -> Any:
    """Enqueue in a transaction on a connection of its own, and return that."""
    conn = database.connect()
    if database.backend == "sqlite":
        conn.execute("BEGIN IMMEDIATE")
    outbox.enqueue(conn, QUEUE, name)
    return conn


def commit(database: Database, outbox: Outbox, name: str) -> float:
    """Commit a message so, without a flush; return when that was."""
    conn = begin_and_enqueue(database, outbox, name)
    conn.commit()
    committed = time.monotonic()
    conn.close()
    return committed


def hears(handle: OutboxHandle) -> bool:
    """Return whether the workers have heard themselves notify."""
    listener = handle._threads.listener
    assert listener is not None
    return listener._listener is not None


def polls(handle: OutboxHandle) -> int:
    return handle.stats().counters.get("polls", 0)


def quiet(handle: OutboxHandle) -> None:
    """Wait until the next poll is more than a second away."""
    eventually(lambda: polls(handle) >= QUIET_POLLS)


def only_one_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers whose poll interval is `NEVER` poll when they start, and not again while a test runs.

    One that listens polls once more, when it can hear.
    """
    monkeypatch.setattr(reconciler, "FIRST_INTERVAL", NEVER)
