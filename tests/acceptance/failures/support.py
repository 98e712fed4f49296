"""A bench whose workers have a quarantine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from outbox import (
    FailureEntry,
    FailureKey,
    FailureTracker,
    HandlerResult,
    InMemoryFailureTracker,
    OutboxMessage,
)
from outbox.facade import OutboxBuilder, QueueBuilder
from tests.acceptance.bench import Bench, Hands

THRESHOLD = 3

Handler = Callable[[OutboxMessage], HandlerResult]


def guarded(
    handler: Handler,
    tracker: FailureTracker | None,
    *,
    mode: str = "leased",
    min_age: float = 0,
    max_per_sweep: int = 100,
) -> Callable[[QueueBuilder], OutboxBuilder]:
    """Declare a handler of single messages, and a quarantine after three failures."""

    def declare(queue: QueueBuilder) -> OutboxBuilder:
        if mode == "leased":
            builder = queue.leased(handler)
        else:
            builder = queue.transactional(lambda _conn, msg: handler(msg))
        return builder.quarantine(
            tracker, threshold=THRESHOLD, interval=0.05, min_age=min_age, max_per_sweep=max_per_sweep
        )

    return declare


class Ward:
    """Workers moved by hand, and their sweeper."""

    def __init__(
        self,
        bench: Bench,
        handler: Handler,
        tracker: FailureTracker | None = None,
        *,
        mode: str = "leased",
        min_age: float = 0,
        max_per_sweep: int = 100,
    ) -> None:
        self.bench = bench
        self.tracker = InMemoryFailureTracker() if tracker is None else tracker
        declare = guarded(handler, self.tracker, mode=mode, min_age=min_age, max_per_sweep=max_per_sweep)
        self.hands: Hands = bench.by_hand(declare)
        sweeper = self.hands.pipeline.sweeper()
        assert sweeper is not None
        self.sweeper = sweeper

    def work(self, times: int = 1) -> None:
        """Deliver what is there, so many times without resting in between."""
        for _ in range(times):
            self.bench.end_backoff()
            self.hands.work()

    def sweep(self) -> None:
        self.sweeper.run_once()

    def told(self) -> list[tuple[int, int]]:
        """Return what the tracker knows now: sequence numbers and counts. It stays as it is."""
        recorder = self.hands.pipeline.recorder
        assert recorder is not None
        recorder.flush()
        entries = self.tracker.drain_exceeded(1)
        self.tracker.restore(entries)
        return sorted((entry.key.seq, entry.failure_count) for entry in entries)

    def accuse(
        self, seq: int, partition: int = 0, *, failures: int = THRESHOLD, failing_for: float = 0
    ) -> None:
        """Put failures into the tracker."""
        self.tracker.restore([accusation(self.bench, seq, partition, failures, failing_for)])


def accusation(
    bench: Bench, seq: int, partition: int = 0, failures: int = THRESHOLD, failing_for: float = 0
) -> FailureEntry:
    now = datetime.now(timezone.utc)
    key = FailureKey(bench.ids[partition], seq)
    return FailureEntry(key, failures, now - timedelta(seconds=failing_for), now, "bad")


REASON = f"given up after {THRESHOLD} failed deliveries; last error: bad"
