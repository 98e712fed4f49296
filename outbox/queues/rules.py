"""What this process has read of the settings: asked for each turn, and free while nothing is set."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from outbox.access import Access
from outbox.backends.protocol import Sources
from outbox.clock import Clock, monotonic
from outbox.queues.pause import Pause
from outbox.queues.store import Store

log = logging.getLogger("outbox.queues")

LOOK_AGAIN = 60.0
"""Seconds that a paused partition rests: a look at what is pending ends the rest before."""


class Rules:
    """The settings, read again when their revision is another one. Thread-safe.

    Nothing is read as long as the revision is 0: nothing has ever been set.
    """

    def __init__(self, backend: Sources, *, clock: Clock = monotonic) -> None:
        self._access = Access(backend, Store)
        self._clock = clock
        self._lock = threading.Lock()
        self._revision = 0
        self._pauses: tuple[tuple[Pause, float | None], ...] = ()
        self._names: dict[str, str] = {}
        self._follow: Callable[[bool], None] | None = None

    @property
    def ever_set(self) -> bool:
        """Whether any setting was ever changed, as far as it was read."""
        return self._revision > 0

    def follow(self, look: Callable[[bool], None]) -> None:
        """Call ``look(changed)`` with every comparison, too."""
        self._follow = look

    def compare(self, revision: int | None) -> None:
        """Read the settings if they have another revision than when they were read."""
        if revision is None:
            return
        changed = revision != self._revision
        if changed:
            with self._lock:
                if revision != self._revision:
                    self._read()
        if self._follow is not None:
            self._follow(changed)

    def paused_for(self, queue: str, partition: int) -> float | None:
        """Return for how many seconds at most not to look at a paused partition; None when it is free."""
        # One look at an empty tuple, where nothing is paused.
        for pause, end in self._pauses:
            # A process that was started before a rename knows the queue by its old name.
            if pause.covers(self._names.get(queue, queue), partition):
                if end is None:
                    return LOOK_AGAIN
                if (left := end - self._clock()) > 0:
                    return min(left, LOOK_AGAIN)
        return None

    def old_names(self) -> dict[str, str]:
        """Read what queues are called now that were renamed."""
        self._names = self._access.read(None, Store.old_names)
        return self._names

    def _read(self) -> None:
        # The end counts from before the statement: it never comes later than by the database's clock.
        now = self._clock()
        # The revision first: what changes in between is read once more.
        revision = self._access.read(None, Store.revision)
        found = self._access.read(None, Store.pauses)
        if found:
            self.old_names()
        pauses = tuple((pause, None if seconds is None else now + seconds) for pause, seconds in found)
        if pauses or self._pauses:
            fields = {"event": "outbox.pauses_changed", "pauses": len(pauses)}
            log.info("%d pauses hold now", len(pauses), extra=fields)
        self._pauses, self._revision = pauses, revision or 0
