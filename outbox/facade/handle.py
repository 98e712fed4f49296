"""A running outbox."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from outbox.clock import monotonic
from outbox.errors import OutboxClosed
from outbox.facade.outbox import Outbox
from outbox.facade.threads import WorkerThreads
from outbox.runtime import exiting
from outbox.runtime.fork import ForkGuard
from outbox.values.durations import seconds
from outbox.workers.pipeline import Pipeline

if TYPE_CHECKING:
    from typing_extensions import Self

    from outbox.facade.health import HealthServer

log = logging.getLogger("outbox.handle")

EXIT_SECONDS = 1.0
"""How long the end of a program that did not stop its handle waits for handlers."""


@dataclass(frozen=True)
class OutboxStats:
    """What this process has done since it was started."""

    uptime: float
    """Seconds."""
    counters: dict[str, int]
    """Totals: ``sequenced``, ``processed``, ``retried``, ``dead_lettered``, ``vacuumed``, ``lost_leases``,
    ``turns``, ``sequencer_passes``, ``polls``."""
    ready_to_sequence: int
    """Partitions that wait for a sequencer thread."""
    ready_to_process: int
    """Partitions that wait for a processor thread."""
    in_progress: int
    """Partitions that a processor thread is working on."""
    failing: dict[str, str]
    """Workers whose last rounds failed, with their last error."""


class OutboxHandle:
    """Owns the worker threads; a context manager that stops them at its end. Thread-safe.

    Start it after a fork, not before: using a handle that was made before it raises `ForkedProcess`.
    """

    def __init__(self, outbox: Outbox, pipeline: Pipeline, threads: WorkerThreads) -> None:
        """Use `OutboxBuilder.start` instead."""
        self.outbox = outbox
        """The producer's side, over the same connections."""
        self._pipeline = pipeline
        self._threads = threads
        self._started = monotonic()
        self._guard = ForkGuard()
        self._lock = threading.Lock()
        self._health: list[HealthServer] = []
        self._stopping = False
        self._close_outbox = outbox.keep_open()
        self._running = Running(pipeline, threads)
        self._running.say_what_is_doubled()
        exiting.running.add(self._running)

    def stop(self, timeout: float | timedelta = 30.0) -> bool:
        """Stop the workers; return whether every thread has ended. Idempotent.

        No further message is started; those in progress are finished and acknowledged, leases are
        released, then the outbox's own connections are closed. False when a handler did not return
        within ``timeout`` seconds; a later call waits for it again. Once stopped, the outbox cannot
        be used any more.
        """
        self._guard.check()
        self._stopping = True
        ended = self._threads.stop(seconds(timeout, option="timeout"))
        if ended:
            exiting.running.discard(self._running)
            with self._lock:
                self._close_outbox()
                while self._health:
                    self._health.pop().close()
        return ended

    def stats(self) -> OutboxStats:
        """Return a snapshot of this process's counters; reads no table."""
        self._guard.check()
        stages = self._pipeline.stages
        return OutboxStats(
            uptime=monotonic() - self._started,
            counters=self._pipeline.counters.snapshot(),
            ready_to_sequence=stages.sequencing.ready_count,
            ready_to_process=stages.processing.ready_count,
            in_progress=stages.processing.claimed_count,
            failing={
                worker.name: worker.last_error or ""
                for worker in self._threads.supervisor.workers
                if worker.failures
            },
        )

    def alive(self) -> bool:
        """Return whether every worker thread is alive, whatever the database does: for a liveness probe."""
        self._guard.check()
        return self._threads.supervisor.alive()

    def healthy(self) -> bool:
        """Return whether every worker thread is alive, none failed three times in a row, and none is stuck.

        Stuck: for eight seconds in one round that calls no code of yours, as behind a lock; or another
        session has locked the row of a partition for as long.
        """
        self._guard.check()
        return self._threads.supervisor.healthy()

    def problems(self) -> list[str]:
        """Return why `healthy` is False, a sentence for each worker thread; nothing when it is True."""
        self._guard.check()
        return self._threads.supervisor.problems()

    def left(self) -> int:
        """Return how many messages wait in the queues of this process, paused ones too; counts them."""
        self._guard.check()
        return self._pipeline.left()

    def drained(self) -> bool:
        """Return whether nothing is left in the queues of this process but what is paused, parked or delayed.

        Asks the database: one statement, and another when nothing seems left. A message that another process
        has in hand is not done yet.
        """
        self._guard.check()
        return self._pipeline.drained()

    def serve_health(self, port: int, *, host: str = "") -> int:
        """Answer ``GET /livez`` and ``GET /readyz`` on a port; return the port.

        One thread answers, until `stop` has ended. ``/livez`` is 200 while every worker thread is alive,
        whatever the database does: restarting the process would not end an outage. ``/readyz`` is 200 while
        `healthy` is True and no stop has begun; otherwise it says why not. Neither asks the database: the
        workers do so anyway. Without ``host`` every address of the machine answers; port 0 takes a free one.

        Raises `ConfigurationError` when it cannot listen there.
        """
        # What most processes do not import.
        from outbox.facade.health import HealthServer

        self._guard.check()
        server = HealthServer(self._dead, self._unready, port=port, host=host)
        with self._lock:
            self._health.append(server)
        return server.port

    def _dead(self) -> list[str]:
        """Return what a restart would cure. Threads that end in a stop are not that."""
        return [] if self._stopping or self.alive() else self.problems()

    def _unready(self) -> list[str]:
        return ["stopping"] if self._stopping else self.problems()

    def __enter__(self) -> Self:
        if self._stopping:
            raise OutboxClosed("this handle is stopped; start the builder again")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __del__(self) -> None:
        # Not where the interpreter, or a child of this process, clears away what it has.
        running = self.__dict__.get("_running")
        if running in exiting.running and not (self._stopping or sys.is_finalizing()):
            log.warning(
                "an OutboxHandle was dropped without stop(), and its workers go on until the program ends; "
                "keep the handle, or use it in a with block",
                extra={"event": "outbox.handle_dropped"},
            )


class Running:
    """The workers of a handle, which may itself be gone, at the end of the program."""

    def __init__(self, pipeline: Pipeline, threads: WorkerThreads) -> None:
        self._pipeline = pipeline
        self._threads = threads
        tables = pipeline.installation.identity.installation
        self.queues = {(tables, consumer.queue) for consumer in pipeline.consumers}

    def say_what_is_doubled(self) -> None:
        """Warn of other workers of this process for the same queues: they were most likely forgotten."""
        others = [each for each in list(exiting.running) if isinstance(each, Running)]
        doubled = {queue for each in others for _, queue in self.queues & each.queues}
        if doubled:
            log.warning(
                "this process has workers for %s already, which an earlier start() began and no stop() "
                "ended: both deliver, each with its own handlers; stop() the earlier handle first",
                ", ".join(sorted(doubled)),
                extra={"queues": sorted(doubled)},
            )

    def end(self) -> None:
        """Let handlers that are about to finish do so; give the leases of the others back."""
        if not self._threads.stop(EXIT_SECONDS):
            self._pipeline.keeper.give_back()
