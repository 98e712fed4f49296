"""The safety net: ask the database what is pending, and feed both ready queues."""

from __future__ import annotations

from collections.abc import Sequence

from outbox import events
from outbox.backends.protocol import Sequencing
from outbox.installation import Installation
from outbox.runtime.directive import Directive, Sleep
from outbox.runtime.observers import Observers
from outbox.wakeups.stages import StageWakeups

# After news a poll follows soon, for more often comes with it; each one that finds nothing doubles the pause.
FIRST_INTERVAL = 0.05


class Reconciler:
    """The action of the reconciler thread: one read-only statement at most every poll interval.

    While polls find work that no signal told of, they come every 50 ms; each that finds none doubles
    the wait, up to ``poll_interval`` seconds. This bounds every stall, in whichever process the message
    was enqueued, and is the only wake-up across processes on MySQL and SQLite.
    """

    def __init__(
        self,
        backend: Sequencing,
        stages: StageWakeups,
        partition_ids: Sequence[int],
        observers: Observers,
        *,
        poll_interval: float,
        installation: Installation,
    ) -> None:
        self._backend = backend
        self._stages = stages
        self._partition_ids = partition_ids
        self._observers = observers
        self._longest = poll_interval
        self._installation = installation
        self._interval = min(FIRST_INTERVAL, poll_interval) / 2

    def run_once(self) -> Directive:
        """Look at every partition once."""
        self._installation.verify()
        rows = self._backend.pending(self._partition_ids)
        self._installation.compare(rows.revision)
        incoming = [row.partition_id for row in rows if row.incoming]
        behind = [row.partition_id for row in rows if row.behind]
        news = self._stages.found(incoming, behind)
        if any(row.dirty for row in rows):
            self._stages.processed()
        self._observers.tell(events.Polled(news=news))
        self._interval = min(FIRST_INTERVAL if news else self._interval * 2, self._longest)
        return Sleep(self._interval)
