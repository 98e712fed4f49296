"""Everything a builder was told, as frozen values: its options, and each queue as it was declared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from outbox.events import Observer
from outbox.failures.quarantine import Quarantine
from outbox.handlers.around import Wrapper
from outbox.handlers.call import LeasedAdapter
from outbox.handlers.transactional import TransactionalBatch, TransactionalPerMessage
from outbox.statements import Naming
from outbox.statements.tables import DEFAULT_PREFIX
from outbox.values.codec import JSON, Codec
from outbox.values.headers import HeaderSource
from outbox.values.lease_config import LeaseConfig
from outbox.values.park_limits import ParkLimits
from outbox.values.partitions import Partitions
from outbox.values.profile import OutboxProfile
from outbox.values.rate import Rate
from outbox.values.worker_tuning import WorkerTuning
from outbox.workers.consumer import Consumer
from outbox.workers.pipeline import PipelineSettings


@dataclass(frozen=True)
class Declaration:
    """One queue; without a handler it is only enqueued to, if ``decided``, else that is still open."""

    queue: str
    partitions: Partitions
    leased: LeasedAdapter | None = None
    transactional: TransactionalPerMessage | TransactionalBatch | None = None
    wrappers: tuple[Wrapper, ...] = ()
    lease: LeaseConfig | None = None
    max_attempts: int | None = None
    parks: ParkLimits | None = None
    tuning: WorkerTuning | None = None
    per_message: bool = True
    rate: Rate | None = None
    keep: float | None = None
    """Seconds for which the queue keeps what was delivered; 0 ends it, None leaves it as it is."""
    decided: bool = True

    @property
    def consumed(self) -> bool:
        """Whether it has a handler."""
        return self.leased is not None or self.transactional is not None

    def consumer(
        self, partition_ids: Sequence[int], profile: OutboxProfile, wrappers: Sequence[Wrapper] = ()
    ) -> Consumer:
        """Return the consumer for the registered queue; ``wrappers`` go around those of its own."""
        around = (*wrappers, *self.wrappers)
        tuning = self.tuning or profile.processor
        return Consumer(
            self.queue,
            tuple(partition_ids),
            tuning,
            lease=self.lease or LeaseConfig(float(tuning.lease_duration)),
            max_attempts=self.max_attempts,
            parks=self.parks,
            leased=None if self.leased is None else self.leased.surrounded(around),
            transactional=None if self.transactional is None else self.transactional.surrounded(around),
            per_message=self.per_message,
            rate=self.rate,
        )


WAKEUPS = ("auto", "notify", "poll")
POLL_INTERVAL = 1.0
"""Seconds: the longest wait for a message whose wake-up was lost, at one cheap query a second."""
# The pool opens them as they are needed and closes those that are idle.
PRODUCER_CONNECTIONS = 4


@dataclass(frozen=True)
class Options:
    """The builder's state."""

    target: object
    base_profile: OutboxProfile = field(default_factory=OutboxProfile.adaptive)
    processor_tuning: WorkerTuning | None = None
    sequencer_tuning: WorkerTuning | None = None
    vacuum_tuning: WorkerTuning | None = None
    reconciler_tuning: WorkerTuning | None = None
    processors: int = 4
    sequencers: int = 1
    producer_connections: int = PRODUCER_CONNECTIONS
    stats_interval: float = 60.0
    prefix: str = DEFAULT_PREFIX
    schema: str | None = None
    max_payload_size: int = 65_536
    require_transaction: bool = True
    wakeup: str = "auto"
    listen_url: str | None = None
    poll_interval: float | None = None
    quarantine: Quarantine | None = None
    wrappers: tuple[Wrapper, ...] = ()
    observers: tuple[Observer, ...] = ()
    header_sources: tuple[HeaderSource, ...] = ()
    codec: Codec = JSON
    declarations: tuple[Declaration, ...] = ()

    def replace(self, *, profile: OutboxProfile | None = None, **changes: Any) -> Options:
        """Return a copy with some options changed."""
        if profile is not None:
            changes["base_profile"] = profile
        return replace(self, **changes)

    @property
    def naming(self) -> Naming:
        """The names of the tables."""
        return Naming(self.prefix, self.schema)

    @property
    def profile(self) -> OutboxProfile:
        """The profile with the overrides applied."""
        return self.base_profile.replace(
            sequencer=self.sequencer_tuning or self.base_profile.sequencer,
            processor=self.processor_tuning or self.base_profile.processor,
            vacuum=self.vacuum_tuning or self.base_profile.vacuum,
            reconciler=self.reconciler_tuning or self.base_profile.reconciler,
        )

    @property
    def longest_poll(self) -> float:
        """The poll interval that was given, or else a second, or less if the reconciler's tuning says so."""
        if self.poll_interval is not None:
            return self.poll_interval
        return min(POLL_INTERVAL, float(self.profile.reconciler.idle_interval))

    def pipeline_settings(self, *, announce: bool) -> PipelineSettings:
        """What the workers need."""
        return PipelineSettings(
            self.profile,
            self.processors,
            self.sequencers,
            self.longest_poll,
            announce=announce,
            quarantine=self.quarantine,
        )
