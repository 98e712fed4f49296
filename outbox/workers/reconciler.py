"""The safety net: ask the database what is pending, and feed both ready queues."""

from __future__ import annotations

import itertools
import logging
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
from outbox.workers import ground
from outbox.workers.consumer import Consumer
from outbox.workers.ground import Ground
from outbox.workers.identities import Trouble, troubles

log = logging.getLogger("outbox.ground")

# After news a poll follows soon, for more often comes with it; each one that finds nothing doubles the pause.
FIRST_INTERVAL = 0.05
# Looks at the ground for one at the identities: what a restore or an ALTER did to these only endangers order.
LOOKS_FOR_IDENTITIES = 4


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
        consumers: Sequence[Consumer] = (),
        queues: Mapping[int, str] | None = None,
        clock: Clock = monotonic,
        rules: Rules,
    ) -> None:
        """``queues`` tells whose each partition is, ``consumers`` with which each was registered."""
        self._queues = {} if queues is None else queues
        self._registered = {consumer.queue: tuple(consumer.partition_ids) for consumer in consumers}
        self._clock = clock
        self._ground = Ground(backend, installation, rules.old_names)
        self._check_at = clock() + ground.GROUND_SECONDS
        self._told: list[Trouble] = []
        self._looks = itertools.count()
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
            self._check_at = self._clock() + ground.GROUND_SECONDS
            return Sleep(self._interval / 2)
        self._poll()
        # Between two polls, so that neither is late and no two statements come at once.
        half = self._interval / 2
        if self._queues and self._clock() + half >= self._check_at:
            return Sleep(half)
        return Sleep(self._interval)

    def _poll(self) -> None:
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

    def _check_ground(self) -> None:
        """Now and then, see whether the partitions are still those that this process registered.

        Those that are not would bring messages to the wrong handler, or none: the process leaves them alone
        and says so, until they are put back. Raises `DatabaseError`.
        """
        known: dict[str, list[int]] = {}
        for key, queue in dict(self._queues).items():
            known.setdefault(queue, []).append(key)
        # Of a queue that was resized, none can tell which partition had which place.
        resized = {queue for queue, ids in known.items() if tuple(ids) != self._registered.get(queue)}
        lost = self._ground.look({queue: tuple(ids) for queue, ids in known.items()}, resized)
        if next(self._looks) % LOOKS_FOR_IDENTITIES == 0:
            self._tell_of_ids()
        self._stages.heed(self._ground.wrong)
        if lost:
            # The others go on.
            self._poll()
            names = ", ".join(sorted(lost))
            raise DatabaseError(
                f"the partitions of {names} are gone or another queue's: the tables were emptied, restored "
                "or made anew under this process, which delivers nothing of these queues now; what is gone "
                "is registered again in seconds; if this stays, restart the process"
            )

    def _tell_of_ids(self) -> None:
        """Say once what a restore or an ALTER has done to the order of the messages."""
        found = troubles(self._backend)
        for trouble in found:
            if trouble not in self._told:
                log.error(
                    "%s; run: %s", trouble.text, trouble.repair, extra={"event": "outbox.order_in_danger"}
                )
        self._told = found
