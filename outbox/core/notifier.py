"""Tell other processes that messages were committed (PostgreSQL's NOTIFY)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from outbox.backends.protocol import Backend
from outbox.errors import DatabaseError

log = logging.getLogger("outbox.notifier")


class Notifier:
    """Sends wake-ups on a connection of the outbox's own, never inside a producer's transaction.

    Coalesced: while one thread sends, what others add waits for its next round and they go on. A
    wake-up that cannot be sent is logged and dropped; polling is underneath.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._pending: set[int] = set()
        self._sending = False

    def send(self, partition_ids: Iterable[int]) -> None:
        """Announce these partitions, or leave them to the thread that is sending already."""
        with self._lock:
            self._pending.update(partition_ids)
            if self._sending:
                return
            self._sending = True
        while batch := self._next_batch():
            try:
                self._backend.notify(batch)
            except DatabaseError as error:
                log.warning(
                    "could not wake other processes, they will find the messages by polling: %s", error
                )
            except BaseException:
                with self._lock:
                    self._sending = False
                raise

    def _next_batch(self) -> list[int]:
        with self._lock:
            batch = sorted(self._pending)
            self._pending.clear()
            self._sending = bool(batch)
            return batch
