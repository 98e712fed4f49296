"""The tunings of all workers, chosen with one word."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from outbox.errors import ConfigurationError
from outbox.values.worker_tuning import WorkerTuning


@dataclass(frozen=True)
class OutboxProfile:
    """A `WorkerTuning` for each kind of worker.

    ``linger`` lets the workers space their rounds by the rate of the stream, between the pacing
    intervals, instead of by the intervals alone.
    """

    sequencer: WorkerTuning
    processor: WorkerTuning
    vacuum: WorkerTuning
    reconciler: WorkerTuning
    linger: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "linger" and not isinstance(value, WorkerTuning):
                raise ConfigurationError(field.name, value, "give a WorkerTuning")

    def replace(self, **changes: Any) -> OutboxProfile:
        """Return a copy with the named fields changed."""
        return replace(self, **changes)

    @classmethod
    def adaptive(cls) -> OutboxProfile:
        """Return the profile to use unless measurements say otherwise.

        The first message goes at once, a stream in growing groups, a backlog without pauses, and an
        idle outbox costs next to nothing.
        """
        return cls(
            sequencer=WorkerTuning.sequencer_adaptive(),
            processor=WorkerTuning.processor_adaptive(),
            vacuum=WorkerTuning.vacuum_adaptive(),
            reconciler=WorkerTuning.reconciler(),
            linger=True,
        )

    @classmethod
    def balanced(cls) -> OutboxProfile:
        """Return a conservative general-purpose profile."""
        return cls(
            sequencer=WorkerTuning.sequencer_default(),
            processor=WorkerTuning.processor_default(),
            vacuum=WorkerTuning.vacuum(),
            reconciler=WorkerTuning.reconciler(),
        )

    @classmethod
    def low_latency(cls) -> OutboxProfile:
        """Return the profile for notifications and chat."""
        return cls(
            sequencer=WorkerTuning.sequencer_low_latency(),
            processor=WorkerTuning.processor_low_latency(),
            vacuum=WorkerTuning.vacuum(),
            reconciler=WorkerTuning.reconciler().replace(idle_interval=30.0),
        )

    @classmethod
    def high_throughput(cls) -> OutboxProfile:
        """Return the profile for bulk work."""
        return cls(
            sequencer=WorkerTuning.sequencer_high_throughput(),
            processor=WorkerTuning.processor_high_throughput(),
            vacuum=WorkerTuning.vacuum(),
            reconciler=WorkerTuning.reconciler(),
        )

    @classmethod
    def relaxed(cls) -> OutboxProfile:
        """Return the profile for background jobs and digests."""
        return cls(
            sequencer=WorkerTuning.sequencer_relaxed(),
            processor=WorkerTuning.processor_relaxed(),
            vacuum=WorkerTuning.vacuum(),
            reconciler=WorkerTuning.reconciler().replace(idle_interval=120.0),
        )
