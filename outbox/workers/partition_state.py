"""What this process remembers of a partition between turns. Forgetting it costs speed, nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from outbox.workers.lock_watch import LockWatch


@dataclass(frozen=True, slots=True)
class Normal:
    """Batches have the configured size."""


@dataclass(frozen=True, slots=True)
class Degraded:
    """Batches have ``effective_size``, which doubles with every success."""

    effective_size: int


@dataclass(frozen=True, slots=True)
class PartitionMode:
    """The batch size of one partition, as a pure state machine.

    Every event gives a new value::

                       failures >= threshold, or a reject
             +--------+ ----------------------------------> +----------+
             | Normal |                                     | Degraded | --+ success: size doubles
             +--------+ <---------------------------------- +----------+ <-+ failures >= threshold, or
                       success: doubled size >= configured                    a reject: size falls again

    A degraded size is what was processed before the failure, at least 1; it is 1 when that is not
    known. A success or a reject ends the row of consecutive failures.
    """

    state: Normal | Degraded = Normal()
    consecutive_failures: int = 0

    def effective_batch_size(self, configured: int) -> int:
        """Return how many messages to take, at most ``configured``."""
        if isinstance(self.state, Degraded):
            return min(self.state.effective_size, configured)
        return configured

    def succeeded(self, configured: int) -> PartitionMode:
        """Return the mode after a batch that went well."""
        if isinstance(self.state, Degraded):
            return PartitionMode(_grown(self.state, configured))
        return PartitionMode() if self.consecutive_failures else self

    def retried(self, processed: int | None, degradation_threshold: int) -> PartitionMode:
        """Return the mode after a Retry; ``processed`` is the finished prefix, None if not known."""
        failures = self.consecutive_failures + 1
        if failures >= degradation_threshold:
            return PartitionMode(_shrunk(processed), failures)
        return replace(self, consecutive_failures=failures)

    def rejected(self, processed: int | None) -> PartitionMode:
        """Return the mode after a Reject; ``processed`` is the finished prefix, None if not known."""
        return PartitionMode(_shrunk(processed))


def _grown(state: Degraded, configured: int) -> Normal | Degraded:
    size = min(state.effective_size * 2, configured)
    return Normal() if size >= configured else Degraded(size)


def _shrunk(processed: int | None) -> Degraded:
    return Degraded(1 if processed is None else max(processed, 1))


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

    def __init__(self, locks: LockWatch | None = None) -> None:
        super().__init__()
        self.locks = locks or LockWatch()

    def __missing__(self, partition_id: int) -> PartitionState:
        # setdefault is atomic, and only the claimant of a partition asks for it.
        return self.setdefault(partition_id, PartitionState())
