"""All actions of one process, wired together but not yet on threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from outbox.backends.claimed import claimed_names
from outbox.backends.lock_holders import LockHolder, lock_holders
from outbox.backends.protocol import Backend
from outbox.clock import Clock, monotonic
from outbox.failures import FailureTracker, SqlFailureTracker
from outbox.failures.quarantine import Quarantine
from outbox.installation import Installation
from outbox.queues.numbering import Numbering
from outbox.queues.rules import Rules
from outbox.runtime.linger import Linger
from outbox.runtime.observers import Observers
from outbox.runtime.ready_queue import ReadyQueue
from outbox.values.claims import Claims, claims_of
from outbox.values.profile import OutboxProfile
from outbox.wakeups.coalescer import RateLimit
from outbox.wakeups.stages import StageWakeups
from outbox.workers.consumer import Consumer
from outbox.workers.failure_recorder import FailureRecorder
from outbox.workers.lease_keeper import LeaseKeeper
from outbox.workers.leased import LeasedTurns
from outbox.workers.lock_watch import LockWatch
from outbox.workers.partition_state import PartitionStates
from outbox.workers.patience import Fairness
from outbox.workers.processor import Processor, grouping
from outbox.workers.rate_limits import RateLimits
from outbox.workers.reconciler import Reconciler
from outbox.workers.renumbering import Renumbering
from outbox.workers.sequencer import Sequencer
from outbox.workers.stats import AMOUNTS, Counters
from outbox.workers.sweeper import QuarantineSweeper
from outbox.workers.transactional import TransactionalTurns
from outbox.workers.vacuum import Vacuum


@dataclass(frozen=True)
class PipelineSettings:
    """What the builder was told about the workers."""

    profile: OutboxProfile
    processors: int = 4
    sequencers: int = 1
    poll_interval: float = 1.0
    announce: bool = False
    """Tell other processes of sequenced partitions (PostgreSQL, notify)."""
    quarantine: Quarantine | None = None


class Pipeline:
    """Makes the actions; `tests` and `drain` run them in their own thread, `OutboxHandle` on workers.

    Every thread gets an action of its own; what they share is thread-safe.
    """

    def __init__(
        self,
        backend: Backend,
        consumers: Sequence[Consumer],
        settings: PipelineSettings,
        observers: Observers,
        *,
        stopping: Callable[[], bool],
        queue_clock: Clock = monotonic,
        installation: Installation | None = None,
        rules: Rules | None = None,
        renumbered: Callable[[str, Numbering], None] | None = None,
    ) -> None:
        """``renumbered`` is told of the queues that were resized."""
        backend.waiting.stopping = stopping
        self.backend = backend
        self._looking: Backend | None = None
        self.settings = settings
        self.installation = installation or Installation(backend)
        self.rules = rules or Rules(backend)
        self.counters = Counters()
        self.observers = observers.plus(self.counters, AMOUNTS)
        self.consumers = tuple(consumers)
        self.partition_ids = [pid for consumer in consumers for pid in consumer.partition_ids]
        self.locks = LockWatch(self._lock_holders)
        self.states = PartitionStates(self.locks)
        self._by_partition = {pid: consumer for consumer in consumers for pid in consumer.partition_ids}
        self.stages = StageWakeups(
            ReadyQueue(clock=queue_clock),
            ReadyQueue(grouping(self._by_partition, self.states), clock=queue_clock),
            self.partition_ids,
        )
        shortest = min((c.lease.duration for c in consumers if c.leased is not None), default=30.0)
        self.keeper = LeaseKeeper(backend, self.observers, shortest_lease=shortest)
        self._stopping = stopping
        self._tracker = self._choose_tracker(settings.quarantine)
        self.recorder = (
            FailureRecorder(self._tracker, settings.quarantine, self.observers)
            if self._tracker is not None and settings.quarantine is not None
            else None
        )
        fairness = Fairness(self.stages.processing, self._by_partition)
        self._leased = LeasedTurns(
            backend,
            self.states,
            self.keeper,
            self.observers,
            fairness,
            stopping=stopping,
            rules=self.rules,
            recorder=self.recorder,
        )
        self._transactional = TransactionalTurns(
            backend,
            self.states,
            self.observers,
            fairness,
            stopping=stopping,
            rules=self.rules,
            recorder=self.recorder,
        )
        # A lease is committed before a handler is called; a transactional handler is called first.
        self._durable_for = {pid for pid, consumer in self._by_partition.items() if consumer.leased is None}
        self._queues = {pid: consumer.queue for pid, consumer in self._by_partition.items()}
        self._renumbered = renumbered
        self._renumbering = Renumbering(backend, self.consumers, self._adopt)
        self.rules.follow(self._renumbering.look)
        if self.rules.ever_set:
            self._renumbering.learn()
        self._crashed_lane = threading.Lock()
        self._rate_limit = RateLimit() if settings.announce else None

    def processors_needed(self, partitions: int) -> int:
        """Return how many processor threads are worth waking for a number of ready partitions."""
        quick = min((consumer.speed.quick_group() for consumer in self.consumers), default=1)
        return -(-partitions // quick)

    def sequencer(self, *, lingering: bool = True) -> Sequencer:
        """Return the action of one sequencer thread."""
        profile = self.settings.profile
        tuning = profile.sequencer
        lingering = lingering and profile.linger
        linger = Linger(float(tuning.min_interval), float(tuning.active_interval)) if lingering else None
        return Sequencer(
            self.backend,
            self.stages,
            tuning,
            self.observers,
            consumers=self._by_partition,
            durable_for=self._durable_for,
            renumbering=self._renumbering,
            linger=linger,
            rate_limit=self._rate_limit,
            locks=self.locks,
            installation=self.installation,
        )

    def processor(self) -> Processor:
        """Return the action of one processor thread."""
        return Processor(
            self.stages,
            self._by_partition,
            self.states,
            self._leased,
            self._transactional,
            rates=RateLimits(self.backend),
            rules=self.rules,
            threads=self.settings.processors,
            crashed_lane=self._crashed_lane,
            paced=not self.settings.profile.linger,
        )

    def vacuum(self) -> Vacuum:
        """Return the action of the vacuum thread."""
        return Vacuum(
            self.backend,
            self.partition_ids,
            self.settings.profile.vacuum,
            self.observers,
            self.stages,
            claims=claims_of(self.consumers[0].codec),  # all of one outbox have the same
            sweep=self._sweep,
        )

    def reconciler(self) -> Reconciler:
        """Return the action of the reconciler thread."""
        return Reconciler(
            self.backend,
            self.stages,
            self.partition_ids,
            self.observers,
            poll_interval=self.settings.poll_interval,
            installation=self.installation,
            queues=self._queues,
            consumers=self.consumers,
            rules=self.rules,
        )

    def sweeper(self) -> QuarantineSweeper | None:
        """Return the action of the sweeper thread, None without a quarantine."""
        quarantine = self.settings.quarantine
        if quarantine is None or self._tracker is None or self.recorder is None:
            return None
        return QuarantineSweeper(
            self.backend,
            self.stages,
            self.observers,
            quarantine,
            tracker=self._tracker,
            recorder=self.recorder,
            stopping=self._stopping,
        )

    def _sweep(self, claims: Claims) -> int:
        return claims.sweep(self.installation.identity.installation, partial(claimed_names, self.backend))

    def _adopt(self, consumer: Consumer, numbering: Numbering) -> None:
        """Work on all partitions of a resized queue, and let this process enqueue to the new ones."""
        places = [*numbering.retired, *numbering.current]
        fresh = [place.partition_id for place in places if place.partition_id not in self._by_partition]
        for place in places:
            key = place.partition_id
            consumer.indexes[key] = place.position
            self._by_partition[key] = consumer
            self._queues[key] = consumer.queue
            if consumer.leased is None:
                self._durable_for.add(key)
        self.partition_ids.extend(fresh)
        self.stages.declare(fresh)
        if self._renumbered is not None:
            self._renumbered(consumer.queue, numbering)

    def left(self) -> int:
        """Return how many messages wait, delayed and parked ones left out."""
        rows = self.backend.partition_status(self.partition_ids)
        return sum(row.incoming + row.sequence - row.processed_seq for row in rows)

    def drained(self) -> bool:
        """Return whether nothing is left to deliver, but in paused partitions."""
        rows = self.backend.pending(self.partition_ids)
        self.rules.compare(rows.revision)
        flowing = [key for key in self.partition_ids if not self._is_paused(key)]
        flows = frozenset(flowing)
        if any((row.incoming or row.due or row.behind) and row.partition_id in flows for row in rows):
            return False
        # What a lease or a backoff holds is in neither.
        return all(row.sequence == row.processed_seq for row in self.backend.partition_status(flowing))

    def _is_paused(self, partition_id: int) -> bool:
        consumer = self._by_partition[partition_id]
        return self.rules.paused_for(consumer.queue, consumer.indexes[partition_id]) is not None

    def _lock_holders(self, seconds: float) -> list[LockHolder]:
        # On a connection of its own: those of the pool may all wait for what is asked about.
        if self._looking is None:
            self._looking = self.backend.dedicated()
        return lock_holders(self._looking, seconds)

    def _choose_tracker(self, quarantine: Quarantine | None) -> FailureTracker | None:
        if quarantine is None:
            return None
        # In our own tables unless the user has another one. Not by its truth: a tracker may have a length.
        return SqlFailureTracker(self) if quarantine.tracker is None else quarantine.tracker
