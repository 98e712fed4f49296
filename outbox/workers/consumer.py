"""A queue that this process works on: its partitions, its handler and how it is to be driven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from outbox.handlers.batch import Batch
from outbox.handlers.outcome import Outcome
from outbox.handlers.transactional import TransactionalHandler
from outbox.values.codec import JSON, Codec
from outbox.values.identity import NAMELESS, Names
from outbox.values.lease_config import LeaseConfig
from outbox.values.park_limits import ParkLimits
from outbox.values.rate import Rate
from outbox.values.worker_tuning import WorkerTuning
from outbox.workers.handler_speed import HandlerSpeed

# What one statement may bring into memory, shared by the partitions of a group; guessed, no measurement.
MAX_BYTES = 16 * 1024 * 1024

LeasedHandler = Callable[[Batch], Outcome]


@dataclass(frozen=True, eq=False)
class Consumer:
    """One consumed queue. Frozen but for what it learns about its handler's speed."""

    queue: str
    partition_ids: tuple[int, ...]
    tuning: WorkerTuning
    lease: LeaseConfig = field(default_factory=LeaseConfig)
    max_attempts: int | None = None
    parks: ParkLimits | None = None
    """What may wait apart, if the keys of messages that are given up are parked."""
    leased: LeasedHandler | None = None
    transactional: TransactionalHandler | None = None
    per_message: bool = True
    """Whether the handler takes messages one by one, so that a failure is always one message's."""
    speed: HandlerSpeed = field(default_factory=HandlerSpeed)
    names: Names = NAMELESS
    rate: Rate | None = None
    codec: Codec = JSON
    backs_off: bool = True
    """Whether failures rest; a test decides itself when it delivers again."""
    indexes: dict[int, int] = field(init=False)
    batch_size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "indexes", {pid: n for n, pid in enumerate(self.partition_ids)})
        # With one attempt in all, an unattributed failure would dead-letter the head of the batch.
        object.__setattr__(self, "batch_size", 1 if self.max_attempts == 1 else int(self.tuning.batch_size))

    @property
    def one_if_failed(self) -> bool:
        """Whether a head with failed starts is to be delivered alone: its next start may be its last.

        In a batch it would be charged with whatever those behind it do, a process killed included.
        """
        return self.max_attempts is not None

    @property
    def most_parked(self) -> int:
        """How many messages of a key may wait apart. What an operator parks has limits too."""
        return (self.parks or ParkLimits()).messages

    def may_give_up(self, key: str | None, parked: int) -> bool:
        """Whether a message with this key can be given up while that many keys are parked."""
        return self.parks is None or key is None or parked < self.parks.keys

    def attempts_exhausted(self, failed_starts: int) -> bool:
        """Whether a message with this number of failed deliveries gets no further one."""
        return self.max_attempts is not None and failed_starts >= self.max_attempts
