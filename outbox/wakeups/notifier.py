"""Tell other processes that messages were committed (PostgreSQL's NOTIFY)."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from outbox.backends.protocol import Wakeups
from outbox.clock import Clock, monotonic
from outbox.errors import DatabaseError
from outbox.events import WakeupsLost
from outbox.runtime.observers import Observers
from outbox.wakeups.coalescer import NotifyCoalescer, Wake


class Notifier:
    """Sends wake-ups on a connection of the outbox's own, never inside a producer's transaction.

    Thinned out in a stream, and coalesced: while one thread sends, what others add waits for its next
    round and they go on. A wake-up that cannot be sent is dropped, which observers are
    told; polling is underneath.
    """

    def __init__(
        self, backend: Wakeups, observers: Observers | None = None, *, clock: Clock = monotonic
    ) -> None:
        self._backend = backend
        self._observers = observers or Observers()
        self._clock = clock
        self._lock = threading.Lock()
        self._coalescer = NotifyCoalescer()
        self._pending: set[int] = set()
        self._more = False
        self._sending = False

    def send(self, partition_ids: Iterable[int]) -> None:
        """Announce these partitions, or leave them to the thread that is sending already.

        In a stream most need not be announced: who hears of it looks for itself.
        """
        with self._lock:
            wake = self._coalescer.next(self._clock())
            if wake is Wake.SKIP:
                return
            self._more = self._more or wake is Wake.SEND_FOR_MORE
            self._pending.update(partition_ids)
            if self._sending:
                return
            self._sending = True
        while batch := self._next_batch():
            ids, more = batch
            try:
                self._backend.notify(ids, more=more)
            except DatabaseError as error:
                with self._lock:
                    self._coalescer.failed()
                self._observers.tell(WakeupsLost(sending=True, error=error))
            except BaseException:
                with self._lock:
                    self._coalescer.failed()
                    self._sending = False
                raise

    def _next_batch(self) -> tuple[list[int], bool] | None:
        with self._lock:
            batch = sorted(self._pending), self._more
            self._pending.clear()
            self._more = False
            self._sending = bool(batch[0])
            return batch if batch[0] else None
