"""How fast and in what portions a worker works."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from outbox.errors import ConfigurationError
from outbox.values.bounds import LARGEST_BATCH, SHORTEST_LEASE
from outbox.values.setting import CountField, SecondsField

MINUTE = 60.0
HOUR = 3600.0


@dataclass(frozen=True)
class WorkerTuning:
    """The numbers of one kind of worker. Frozen; durations are in seconds.

    Start from a named constructor and change what you need; both forms give a new tuning::

        WorkerTuning.processor_high_throughput().batch_size(50).retry_base(0.5)
        WorkerTuning.processor_high_throughput().replace(batch_size=50, retry_base=0.5)

    Not every worker has a use for every number: the guide's page on tuning says who takes what.
    Durations may be given as `datetime.timedelta`. Raises `ConfigurationError` for a number that
    cannot work.
    """

    batch_size: CountField = CountField(10, maximum=LARGEST_BATCH)
    """Most messages (for the vacuum: rows) taken at once."""
    min_interval: SecondsField = SecondsField(0.1)
    """Shortest pause between two rounds of sustained work."""
    active_interval: SecondsField = SecondsField(0.5)
    """Pause after the first round that found work; shrinks to ``min_interval``."""
    idle_interval: SecondsField = SecondsField(10 * MINUTE, positive=True)
    """Longest wait for a wake-up when there is no work."""
    ramp_step: SecondsField = SecondsField(0.05)
    """What the pause shrinks by after each round that found work."""
    retry_base: SecondsField = SecondsField(1.0, positive=True)
    """Delay after a first failure; doubles with each further one."""
    retry_max: SecondsField = SecondsField(MINUTE, positive=True)
    """Longest delay after a failure."""
    degradation_threshold: CountField = CountField(2)
    """Consecutive failures after which a partition's batches shrink."""
    lease_duration: SecondsField = SecondsField(30.0, minimum=SHORTEST_LEASE)
    """How long a leased processor holds a partition, unless its queue has a `LeaseConfig`."""

    def __post_init__(self) -> None:
        self._check_order("min_interval", self.min_interval, "active_interval", self.active_interval)
        self._check_order("retry_base", self.retry_base, "retry_max", self.retry_max)

    @staticmethod
    def _check_order(low: str, low_value: float, high: str, high_value: float) -> None:
        if low_value > high_value:
            raise ConfigurationError(low, low_value, f"it must not exceed {high}, which is {high_value}")

    def replace(self, **changes: Any) -> WorkerTuning:
        """Return a copy with the named fields changed; raises like the constructor."""
        return replace(self, **changes)

    @classmethod
    def processor(cls) -> WorkerTuning:
        """Return the processor's balanced numbers."""
        return cls.processor_default()

    @classmethod
    def sequencer(cls) -> WorkerTuning:
        """Return the sequencer's balanced numbers."""
        return cls.sequencer_default()

    @classmethod
    def vacuum(cls) -> WorkerTuning:
        """Return the vacuum's numbers: big chunks, and a second's rest after one that was not full."""
        return cls(10_000, 1.0, 1.0, HOUR, 0.0, 1.0, MINUTE, 1)

    @classmethod
    def vacuum_adaptive(cls) -> WorkerTuning:
        """Return the vacuum's numbers for a pipeline that is kept short: no pause while it is behind."""
        return cls(10_000, 0.0, 0.2, HOUR, 0.05, 1.0, MINUTE, 1)

    @classmethod
    def reconciler(cls) -> WorkerTuning:
        """Return the reconciler's numbers."""
        return cls(1, 1.0, 1.0, MINUTE, 0.0, 1.0, MINUTE, 1)

    @classmethod
    def processor_default(cls) -> WorkerTuning:
        """Return conservative numbers: start gently."""
        return cls(10, 0.1, 0.5, 10 * MINUTE, 0.05, 1.0, MINUTE, 2)

    @classmethod
    def processor_low_latency(cls) -> WorkerTuning:
        """Return numbers for notifications and chat: short pauses, quick retries."""
        return cls(10, 0.001, 0.002, MINUTE, 0.001, 0.1, 10.0, 3)

    @classmethod
    def processor_high_throughput(cls) -> WorkerTuning:
        """Return numbers for bulk work: large batches, short pauses."""
        return cls(100, 0.001, 0.02, 10 * MINUTE, 0.002, 1.0, MINUTE, 2)

    @classmethod
    def processor_relaxed(cls) -> WorkerTuning:
        """Return numbers for background jobs: slow, long retries, shrinking at the first failure."""
        return cls(10, 0.1, 0.5, 10 * MINUTE, 0.05, 5.0, 5 * MINUTE, 1)

    @classmethod
    def processor_adaptive(cls) -> WorkerTuning:
        """Return numbers whose batches grow with the backlog and which never pause while there is one."""
        return cls(500, 0.0, 0.02, MINUTE, 0.005, 1.0, MINUTE, 2)

    @classmethod
    def sequencer_default(cls) -> WorkerTuning:
        """Return conservative numbers, paced like the processor's."""
        return cls(1000, 0.1, 0.5, 10 * MINUTE, 0.05, 0.1, 30.0, 1)

    @classmethod
    def sequencer_low_latency(cls) -> WorkerTuning:
        """Return numbers that move a message on as soon as it is seen."""
        return cls(500, 0.0, 0.001, MINUTE, 0.0, 0.1, 30.0, 1)

    @classmethod
    def sequencer_high_throughput(cls) -> WorkerTuning:
        """Return numbers for bulk work: large sets at short intervals."""
        return cls(2000, 0.01, 0.1, 10 * MINUTE, 0.01, 0.1, 30.0, 1)

    @classmethod
    def sequencer_relaxed(cls) -> WorkerTuning:
        """Return numbers for background jobs."""
        return cls(1000, 0.1, 0.5, 10 * MINUTE, 0.1, 0.1, 30.0, 1)

    @classmethod
    def sequencer_adaptive(cls) -> WorkerTuning:
        """Return numbers that never pause while there is a backlog."""
        return cls(2000, 0.0, 0.02, MINUTE, 0.005, 0.1, 30.0, 1)
