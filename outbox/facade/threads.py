"""The worker threads of one process: names, order, and who wakes whom."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from functools import partial
from typing import Any

from outbox.events import WorkerFailed, WorkerRecovered
from outbox.runtime.error_backoff import ErrorBackoff
from outbox.runtime.observers import Observers
from outbox.runtime.pacer import Pacer
from outbox.runtime.pacing import Pacing
from outbox.runtime.supervisor import Supervisor
from outbox.runtime.wake_group import WakeGroup
from outbox.runtime.watchdog import Watchdog
from outbox.runtime.worker import Worker
from outbox.values.worker_tuning import WorkerTuning
from outbox.wakeups.listener import WakeupListener
from outbox.workers.pipeline import Pipeline
from outbox.workers.stats import Reporter

log = logging.getLogger("outbox.workers")

# After an error of the database: a failover takes seconds, and a thread is back at most this long after it.
FAILURE_BASE = 0.1
FAILURE_CAP = 5.0
# Workers that wait by directive alone.
UNPACED = Pacing(0.0, 0.0, 3600.0, 0.0)


@dataclass(frozen=True)
class WorkerThreads:
    """The supervisor of all workers, and what has to be interrupted to stop them at once."""

    supervisor: Supervisor
    listener: WakeupListener | None
    stopping: threading.Event

    def start(self) -> None:
        """Start every thread, or none."""
        self.supervisor.start()

    def stop(self, timeout: float) -> bool:
        """Stop taking work, let handlers finish their message, join; see `OutboxHandle.stop`."""
        self.stopping.set()
        if self.listener is not None:
            self.supervisor.announce_stop()
            self.listener.interrupt()
        return self.supervisor.stop(timeout)


def build_workers(
    pipeline: Pipeline, stopping: threading.Event, *, listen: bool, stats_interval: float, label: str
) -> WorkerThreads:
    """Make the workers of a pipeline; nothing runs yet."""
    settings = pipeline.settings
    profile = settings.profile
    workers: list[Worker] = []
    stop_last: list[Worker] = []
    watched: list[Worker] = []  # their rounds call no code of the user's

    def add(
        name: str, action: Any, pacing: Pacing, *, to: list[Worker] = workers, watch: bool = False
    ) -> Pacer:
        pacer = Pacer(pacing)
        error_backoff = ErrorBackoff(FAILURE_BASE, FAILURE_CAP)
        worker = Worker(
            f"outbox-{label}{name}",
            action,
            pacer,
            error_backoff,
            logger=log,
            on_failure=partial(tell_failure, pipeline.observers),
            on_recovery=partial(tell_recovery, pipeline.observers),
        )
        to.append(worker)
        if watch:
            watched.append(worker)
        return pacer

    sequencing = [
        add(f"sequencer-{n}", pipeline.sequencer(), pacing_of(profile.sequencer), watch=True)
        for n in range(settings.sequencers)
    ]
    processing = [
        add(f"processor-{n}", pipeline.processor(), pacing_of(profile.processor))
        for n in range(settings.processors)
    ]
    pipeline.stages.sequencing.subscribe(WakeGroup(sequencing).wake)
    processors = WakeGroup(processing)
    pipeline.stages.processing.subscribe(lambda ready: processors.wake(pipeline.processors_needed(ready)))
    vacuum = add("vacuum", pipeline.vacuum(), pacing_of(profile.vacuum), watch=True)
    reconciler = add("reconciler", pipeline.reconciler(), UNPACED, watch=True)
    pipeline.stages.attach(vacuum=vacuum, reconciler=reconciler)
    reconciler.wake()
    # Stopped last: a handler still running at shutdown must keep its lease until the ack.
    add("lease-keeper", pipeline.keeper, UNPACED, to=stop_last, watch=True).wake()
    sweeper = pipeline.sweeper()
    if sweeper is not None:
        add("sweeper", sweeper, UNPACED).wake()
    listener = WakeupListener(pipeline.backend, pipeline.stages, pipeline.observers) if listen else None
    if listener is not None:
        add("listener", listener, UNPACED).wake()
    if stats_interval > 0:
        add("reporter", Reporter(pipeline.counters, stats_interval), UNPACED).wake()
    watchdog = Watchdog(watched, locked=pipeline.locks.problem, explain=pipeline.locks.explain)
    add("watchdog", watchdog, UNPACED).wake()
    return WorkerThreads(Supervisor(workers, stop_last=stop_last, watchdog=watchdog), listener, stopping)


def tell_failure(
    observers: Observers, worker: str, error: BaseException, failures: int, retry_in: float
) -> None:
    """Tell observers of a worker's failed round."""
    observers.tell(WorkerFailed(worker=worker, failures=failures, retry_in=retry_in, error=error))


def tell_recovery(observers: Observers, worker: str, failures: int, seconds: float) -> None:
    """Tell observers of a worker's first success after failures."""
    observers.tell(WorkerRecovered(worker=worker, failures=failures, seconds=seconds))


def pacing_of(tuning: WorkerTuning) -> Pacing:
    """Return the intervals of a tuning."""
    return Pacing(
        float(tuning.min_interval),
        float(tuning.active_interval),
        float(tuning.idle_interval),
        float(tuning.ramp_step),
    )
