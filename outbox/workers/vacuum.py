"""Stage four: delete what lies behind the cursors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from outbox import events
from outbox.backends.protocol import Vacuuming
from outbox.runtime.directive import Directive, Idle, Proceed
from outbox.runtime.observers import Observers
from outbox.runtime.portion import Portion
from outbox.values.claims import Claims
from outbox.values.worker_tuning import WorkerTuning
from outbox.wakeups.stages import StageWakeups

log = logging.getLogger("outbox.vacuum")

# Deduplication keys deleted by one statement: short, for producers may wait for one of them.
MOST_KEYS = 1_000


class Vacuum:
    """The action of the vacuum thread: bounded chunks at the profile's pace, or faster if that is too slow.

    It keeps no list of its own: which partitions are dirty stands in the tables (cursor ahead of the
    vacuum's mark), so a sweep that was cut short leaves nothing behind unseen.
    """

    def __init__(
        self,
        backend: Vacuuming,
        partition_ids: Sequence[int],
        tuning: WorkerTuning,
        observers: Observers,
        stages: StageWakeups,
        *,
        claims: Claims | None = None,
        sweep: Callable[[Claims], int] = lambda _: 0,
    ) -> None:
        self._backend = backend
        self._partition_ids = partition_ids
        self._chunk = int(tuning.batch_size)
        self._rest = float(tuning.active_interval)
        self._observers = observers
        self._stages = stages
        self._portion = Portion()
        self._claims = claims
        self._sweep = sweep

    def run_once(self) -> Directive:
        """Delete one chunk. After a full one the next comes at once, after any other acks may pile up."""
        if self._claims is not None and self._claims.due():
            self._sweep_claims(self._claims)
        if self._stages.take_expired() and self._backend.forget_keys(MOST_KEYS) >= MOST_KEYS:
            self._stages.expired()
        removed, chunk = self._portion.run(
            self._chunk, lambda most: self._backend.vacuum(self._partition_ids, most)
        )
        if not removed:
            return Idle()
        self._observers.tell(events.Vacuumed(count=removed))
        return Proceed(pause=0) if removed >= chunk else Proceed(pause=self._rest)

    def _sweep_claims(self, claims: Claims) -> None:
        """Delete payloads outside the database that are of no message; a store may be away meanwhile."""
        try:
            removed = self._sweep(claims)
        except Exception:
            fields = {"event": "outbox.claims_not_swept"}
            log.warning("the payloads outside the database could not be swept", exc_info=True, extra=fields)
        else:
            log.debug("deleted %d payloads outside the database", removed)
