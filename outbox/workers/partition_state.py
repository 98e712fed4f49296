"""What this process remembers of a partition between turns. Forgetting it costs speed, nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

from outbox.workers.partition_mode import PartitionMode


@dataclass(slots=True)
class PartitionState:
    """Used only by the thread that has claimed the partition."""

    mode: PartitionMode = field(default_factory=PartitionMode)
    streak: int = 0
    """Failures in a row of the same head, counted or not."""
    isolate: bool = False
    """Its head has failed starts: no group turn."""
    locked: int = 0
    """Times in a row that its row was found locked."""
    missing: int = 0
    """Times in a row that its next message was not there."""
    crashed: bool = False
    """Its last start ended without a result: it may have killed a process."""


class PartitionStates(dict[int, PartitionState]):
    """The states by partition id; a partition never seen is in the initial one."""

    def __missing__(self, partition_id: int) -> PartitionState:
        # setdefault is atomic, and only the claimant of a partition asks for it.
        return self.setdefault(partition_id, PartitionState())
