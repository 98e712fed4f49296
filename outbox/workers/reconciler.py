"""The safety net: ask the database what is pending, and feed both ready queues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from outbox import events
from outbox.backends.protocol import Backend
from outbox.clock import Clock, monotonic
from outbox.errors import DatabaseError
from outbox.installation import Installation
from outbox.queues.rules import Rules
from outbox.runtime.directive import Directive, Sleep
from outbox.runtime.observers import Observers
from outbox.wakeups.stages import StageWakeups

# After news a poll follows soon, for more often comes with it; each one that finds nothing doubles the pause.
FIRST_INTERVAL = 0.05
GROUND_SECONDS = 8.0
"""How often a process looks whether its partitions are still its own, to say so within ten seconds."""


class Reconciler:
    """The action of the reconciler thread: one read-only statement at most every poll interval.

    While polls find work that no signal told of, they come every 50 ms; each that finds none doubles
    the wait, up to ``poll_interval`` seconds. This bounds every stall, in whichever process the message
    was enqueued, and is the only wake-up across processes on MySQL and SQLite.
    """

    def __init__(
        self,
        backend: Backend,
        stages: StageWakeups,
        partition_ids: Sequence[int],
        observers: Observers,
        *,
        poll_interval: float,
        installation: Installation,
        queues: Mapping[int, str] | None = None,
        clock: Clock = monotonic,
        rules: Rules,
    ) -> None:
        """``queues`` tells whose each partition was when this process registered it; see `_check_ground`."""
        self._queues = {} if queues is None else queues
        self._clock = clock
        self._check_at = clock() + GROUND_SECONDS
        self._backend = backend
        self._stages = stages
        self._partition_ids = partition_ids
        self._observers = observers
        self._longest = poll_interval
        self._installation = installation
        self._rules = rules
        self._interval = min(FIRST_INTERVAL, poll_interval) / 2

    def run_once(self) -> Directive:
        """Look at every partition once."""
        if self._queues and self._clock() >= self._check_at:
            self._check_ground()
            self._check_at = self._clock() + GROUND_SECONDS
            return Sleep(self._interval / 2)
        self._installation.verify()
        rows = self._backend.pending(self._partition_ids)
        self._installation.compare(rows.revision)
        self._rules.compare(rows.revision)
        incoming = [row.partition_id for row in rows if row.incoming]
        behind = [row.partition_id for row in rows if row.behind]
        news = self._stages.found(incoming, behind)
        if due := [row.partition_id for row in rows if row.due]:
            self._stages.due(due)
        if rows.expired:
            self._stages.expired()
        if any(row.dirty for row in rows):
            self._stages.processed()
        self._observers.tell(events.Polled(news=news))
        self._interval = min(FIRST_INTERVAL if news else self._interval * 2, self._longest)
        # Between two polls, so that neither is late and no two statements come at once.
        half = self._interval / 2
        if self._queues and self._clock() + half >= self._check_at:
            return Sleep(half)
        return Sleep(self._interval)

    def _check_ground(self) -> None:
        """Now and then, see whether the partitions are still those that this process registered.

        Tables may be emptied, restored or made anew under a running process. Then its numbers are no
        partition's, or another queue's, whose messages would come to the wrong handler: it stands still, and
        says so, until they are its own again. Raises `DatabaseError`.
        """
        found = {int(row.id): str(row.queue) for row in self._backend.query("all_partitions")}
        wrong = {key: queue for key, queue in self._queues.items() if found.get(key) != queue}
        if wrong:
            renamed = self._rules.old_names()
            wrong = {
                key: queue for key, queue in wrong.items() if found.get(key) != renamed.get(queue, queue)
            }
        self._stages.heed(wrong)
        if wrong:
            names = ", ".join(sorted(set(wrong.values())))
            raise DatabaseError(
                f"the partitions {sorted(wrong)} of {names} are gone or another queue's: the tables were "
                "emptied, restored or made anew under this process, which delivers nothing of these queues "
                "now; restart it, and the programs that enqueue to them"
            )
