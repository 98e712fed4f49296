"""Stage two: give committed messages their sequence numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from outbox import events
from outbox.backends.protocol import Sequencing
from outbox.backends.records import Sequenced
from outbox.clock import Clock, monotonic
from outbox.installation import Installation
from outbox.queues.readdressing import AT_ONCE
from outbox.runtime.directive import Directive, Idle, Proceed
from outbox.runtime.linger import Linger
from outbox.runtime.observers import Observers
from outbox.runtime.portion import Portion
from outbox.runtime.ready_queue import ReadyQueue
from outbox.values.worker_tuning import WorkerTuning
from outbox.wakeups.coalescer import RateLimit
from outbox.wakeups.stages import StageWakeups
from outbox.workers.claim import Claim
from outbox.workers.consumer import Consumer
from outbox.workers.lock_watch import LockWatch
from outbox.workers.renumbering import Renumbering

# Partitions of one statement: two queues of the most partitions; guessed, no measurement.
MAX_PARTITIONS = 128
# Rows moved by one statement, whatever the number of partitions: a pass is also a lock's length.
MAX_ROWS = 20_000


class Sequencer:
    """The action of a sequencer thread: one statement moves the messages of up to 128 partitions.

    With a linger, passes in a stream are spaced so that each moves several messages; the first one
    after a quiet spell goes at once. Without one, the profile's pace holds. A pass that says itself that
    there is more is followed at once. A pass over any of the partitions in ``durable_for`` waits for the
    disk; see `Backend.sequence`.
    """

    def __init__(
        self,
        backend: Sequencing,
        stages: StageWakeups,
        tuning: WorkerTuning,
        observers: Observers,
        *,
        consumers: Mapping[int, Consumer],
        installation: Installation | None = None,
        durable_for: Collection[int] = frozenset(),
        renumbering: Renumbering | None = None,
        linger: Linger | None = None,
        rate_limit: RateLimit | None = None,
        locks: LockWatch | None = None,
        clock: Clock = monotonic,
    ) -> None:
        self._backend = backend
        self._locks = locks or LockWatch()
        self._installation = installation
        self._ready: ReadyQueue = stages.sequencing
        self._stages = stages
        self._batch_size = int(tuning.batch_size)
        self._observers = observers
        self._consumers = consumers
        self._durable_for = durable_for
        self._renumbering = renumbering
        self._linger = linger
        self._rate_limit = rate_limit
        self._clock = clock
        self._portion = Portion()

    def next_due(self) -> float | None:
        """Return when a partition that was locked wants another look."""
        return self._ready.next_due()

    def run_once(self) -> Directive:
        """Sequence the oldest ready partitions."""
        if (gap := self._gap()) > 0:
            return Proceed(pause=gap)
        if self._installation is not None:
            # Before the first number after a failover: it belongs to another epoch.
            self._installation.verify()
        keys = self._ready.claim(MAX_PARTITIONS)
        if not keys:
            return Idle(looked=False)
        with Claim(self._ready, keys) as claim:
            due = self._stages.take_due(keys)
            keys = self._readdress(claim, keys)
            limit = max(1, min(self._batch_size, MAX_ROWS // max(len(keys), 1)))
            moved: list[Sequenced] = []
            if keys:
                moved, limit = self._sequence(keys, limit)
            self._give_back(claim, keys, moved, limit)
            if due:
                moved += self._sequence_due(due, limit)
        return self._report(moved, limit)

    def _sequence(self, keys: list[int], limit: int) -> tuple[list[Sequenced], int]:
        notify, durable = self._announces(), self._is_durable(keys)
        behind = self._renumbering.behind(keys) if self._renumbering else []
        return self._portion.run(
            limit,
            lambda most: self._backend.sequence(keys, most, notify=notify, durable=durable, behind=behind),
        )

    def _is_durable(self, keys: list[int]) -> bool:
        return any(key in self._durable_for for key in keys)

    def _readdress(self, claim: Claim, keys: list[int]) -> list[int]:
        """Send on what has come to retired partitions; return the others."""
        retired = self._renumbering.retired(keys) if self._renumbering else []
        if not retired or self._renumbering is None:
            return keys
        count, places = self._renumbering.readdress(retired)
        # A pass before this process heard of the resize found no row to lock.
        self._locks.free("partitions", retired)
        if count >= AT_ONCE:
            claim.again(retired)
        claim.done(retired)
        # Also those that got nothing: they may hold what had to wait for this.
        self._stages.enqueued(places)
        return [key for key in keys if key not in retired]

    def _readdress_due(self, due: list[int]) -> tuple[list[int], list[int]]:
        """Send on what has become due in retired partitions; return the others, and which those are."""
        if self._renumbering is None:
            return due, []
        behind = sorted({*self._renumbering.behind(due), *self._renumbering.retired(due)})
        if behind:
            count, places = self._renumbering.readdress(behind, due=True)
            if count:
                self._stages.due(places)
            if count >= AT_ONCE:
                self._stages.due(behind)
        return [key for key in due if key not in behind], behind

    def _sequence_due(self, due: list[int], limit: int) -> list[Sequenced]:
        """Sequence what has become due, behind what waited without a delay."""
        due, behind = self._readdress_due(due)
        if not due:
            return []
        moved = self._backend.sequence_due(due, limit, durable=self._is_durable(due), behind=behind)
        # What is locked elsewhere, the next poll finds again.
        self._stages.due([item.partition_id for item in moved if left_some(item, limit)])
        return moved

    def _gap(self) -> float:
        """Return how long a stream's next pass should wait, 0 when there is nothing to wait for."""
        if self._linger is None or not self._ready.ready_count:
            return 0.0
        return self._linger.delay(self._clock())

    def _announces(self) -> bool:
        return self._rate_limit is not None and self._rate_limit.allow()

    def _give_back(self, claim: Claim, keys: list[int], moved: list[Sequenced], limit: int) -> None:
        reached = {item.partition_id for item in moved}
        self._locks.free("partitions", reached)
        for key in keys:
            if key not in reached:
                self._locks.locked("partitions", key)
                claim.locked(key)
        claim.again([item.partition_id for item in moved if left_some(item, limit)])
        claim.done(reached)

    def _report(self, moved: list[Sequenced], limit: int) -> Directive:
        filled = [item.partition_id for item in moved if item.moved]
        self._stages.sequenced(filled)
        total = sum(item.moved for item in moved)
        self._tell(moved, total)
        backlog = any(left_some(item, limit) for item in moved)
        if self._linger is not None:
            self._linger.note(self._clock(), total, backlog=backlog)
            return Proceed(pause=0) if self._ready.ready_count else Idle()
        if any(item.more for item in moved):
            return Proceed(pause=0)
        return Proceed() if backlog else Idle()

    def _tell(self, moved: list[Sequenced], total: int) -> None:
        self._observers.tell(events.SequencerPassed(partitions=len(moved), count=total))
        if not self._observers.want(events.Sequenced):
            return
        for item in moved:
            if item.moved:
                consumer = self._consumers[item.partition_id]
                self._observers.tell(
                    events.Sequenced(
                        queue=consumer.queue,
                        partition=consumer.indexes[item.partition_id],
                        partition_id=item.partition_id,
                        first_seq=item.first_seq,
                        count=item.moved,
                    )
                )


def left_some(item: Sequenced, limit: int) -> bool:
    """Tell whether there may be more in a partition than a pass has moved."""
    return item.moved >= limit or item.more
