"""A queue as it was declared, before the database knows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from outbox.handlers.around import Wrapper
from outbox.handlers.call import LeasedAdapter
from outbox.handlers.transactional import TransactionalBatch, TransactionalPerMessage
from outbox.values.lease_config import LeaseConfig
from outbox.values.partitions import Partitions
from outbox.values.profile import OutboxProfile
from outbox.values.worker_tuning import WorkerTuning
from outbox.workers.consumer import Consumer


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
    tuning: WorkerTuning | None = None
    per_message: bool = True
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
            leased=None if self.leased is None else self.leased.surrounded(around),
            transactional=None if self.transactional is None else self.transactional.surrounded(around),
            per_message=self.per_message,
        )
