"""How many connections `Outbox.transaction` lends at once, so that the workers keep theirs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from outbox.errors import ConnectionLost

# Longer than a transaction should last, and no longer than a request's client waits.
WAIT_SECONDS = 30.0


class TransactionShare:
    """Lets a number of transactions in at once; further ones wait until one of these ends. Thread-safe.

    Without it as many threads as the pool has connections would stop the delivery, which needs some of
    them for its leases and acks, for as long as their transactions last.
    """

    def __init__(self, connections: int | None) -> None:
        """None lets any number in: no worker shares the pool."""
        self._connections = connections
        self._free = None if connections is None else threading.BoundedSemaphore(connections)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold one of the connections during the block; raises `ConnectionLost` if none becomes free."""
        if self._free is None:
            yield
            return
        if not self._free.acquire(timeout=WAIT_SECONDS):
            msg = (
                f"no connection available: {self._connections} transactions of outbox.transaction() have "
                f"been open for {WAIT_SECONDS:g} s; end them sooner, or raise the builder's "
                "producer_connections()"
            )
            raise ConnectionLost(msg)
        try:
            yield
        finally:
            self._free.release()
