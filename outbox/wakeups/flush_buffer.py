"""From "this thread enqueued" to "somebody looks"."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from outbox.wakeups.notifier import Notifier
from outbox.wakeups.stages import Signals


class Noted(threading.local):
    """The partitions that this thread has written to since its last flush."""

    def __init__(self) -> None:
        self.ids: set[int] = set()


class Wakers:
    """Remembers what each thread enqueued since its last flush, and passes it on when it flushes."""

    def __init__(self, signals: Signals | None, notifier: Notifier | None) -> None:
        self._signals = signals
        self._notifier = notifier
        self._noted = Noted()

    def note(self, partition_ids: Iterable[int]) -> None:
        """Remember partitions this thread has written to, in a transaction that is still open."""
        self._noted.ids.update(partition_ids)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Let a flush inside the block say nothing of what this thread has noted before it."""
        before, self._noted.ids = self._noted.ids, set()
        try:
            yield
        finally:
            self.note(before)

    def flush(self) -> None:
        """The transactions of this thread are committed: wake who serves these partitions."""
        noted, self._noted.ids = self._noted.ids, set()
        if not noted:
            return
        elsewhere = noted
        if self._signals is not None:
            self._signals.enqueued(noted)
            elsewhere = noted - self._signals.consumed
        # What this process consumes it sequences at once, and its sequencer announces the rest.
        if self._notifier is not None and elsewhere:
            self._notifier.send(elsewhere)
