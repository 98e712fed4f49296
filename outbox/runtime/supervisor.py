"""Start, stop and watch workers as one."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final, NamedTuple

from outbox.clock import Clock, monotonic
from outbox.runtime.watchdog import Watchdog
from outbox.runtime.worker import Worker

FAILURES_IN_A_ROW: Final = 3
"""From this many on, a worker is not healthy."""
CLEANUP_BUDGET: Final = 5.0
"""Seconds that a failed start gives the workers it had already started."""

LAST_STOP_SECONDS: Final = 1.0
"""Minimum seconds for the workers that stop last; they only have to notice it."""

logger = logging.getLogger(__name__)


class Straggler(NamedTuple):
    """A worker whose thread has not ended, and for how many seconds its current round has been running."""

    name: str
    busy_for: float


class Supervisor:
    """Own the workers of one process.

    Those given as ``stop_last`` are needed by the others while these wind down, and are stopped after
    all others have ended.

    `start` and `stop` may be called in any order, any number of times and from any thread. Like a
    worker, a supervisor runs once.
    """

    def __init__(
        self,
        workers: Iterable[Worker],
        *,
        stop_last: Iterable[Worker] = (),
        watchdog: Watchdog | None = None,
        clock: Clock = monotonic,
    ) -> None:
        self._first = tuple(workers)
        self._last = tuple(stop_last)
        self.workers = (*self._first, *self._last)
        self._clock = clock
        self._watchdog = watchdog or Watchdog(())

    def start(self) -> None:
        """Start every worker. When one cannot be started, stop those that were, and raise its error."""
        try:
            for worker in self.workers:
                worker.start()
        except BaseException:
            self.stop(CLEANUP_BUDGET)
            raise

    def stop(self, timeout: float = 30.0) -> bool:
        """Tell every worker to stop, wait `timeout` seconds in all, and return whether every thread ended.

        Those that have not are logged, and `stragglers` names them. A later call waits for them again.
        """
        deadline = self._clock() + timeout
        self.announce_stop()
        if self._join(self._first, deadline):
            for worker in self._last:
                worker.stop()
            # They only have to hear of it, also when the others took all the time there was.
            if self._join(self._last, max(deadline, self._clock() + LAST_STOP_SECONDS)):
                return True
        for name, busy_for in self.stragglers():
            logger.warning(
                "%s has not stopped within %.1f s; its round has been running for %.1f s",
                name,
                timeout,
                busy_for,
                extra={"event": "outbox.worker_not_stopped", "worker": name, "seconds": busy_for},
            )
        return False

    def announce_stop(self) -> None:
        """Tell every worker to stop but those that stop last. Waits for nothing."""
        # All of them first: they wind down side by side, and the budget is one for all.
        for worker in self._first:
            worker.stop()

    def stragglers(self) -> list[Straggler]:
        """Return the workers that `stop` waits for: threads still alive, those that stop last at the end."""
        now = self._clock()
        alive = [worker for worker in self._first if worker.alive]
        alive = alive or [worker for worker in self._last if worker.alive]
        return [Straggler(worker.name, busy_for(worker, now)) for worker in alive]

    def alive(self) -> bool:
        """Return whether every worker's thread is alive."""
        return all(worker.alive for worker in self.workers)

    def healthy(self) -> bool:
        """Return whether every thread is alive, none has failed three times in a row and none is stuck.

        Rows that another session has locked for long count as stuck, too.
        """
        return not self.problems()

    def problems(self) -> list[str]:
        """Return a sentence for each worker that is dead, fails or is stuck; nothing when all are well."""
        stuck = self._watchdog.stuck
        sentences = [problem_of(worker, stuck=worker.name in stuck) for worker in self.workers]
        sentences.append(self._watchdog.locked)
        return [sentence for sentence in sentences if sentence is not None]

    def _join(self, workers: Iterable[Worker], deadline: float) -> bool:
        ended = [worker.join(deadline - self._clock()) for worker in workers]
        return all(ended)


def problem_of(worker: Worker, *, stuck: bool) -> str | None:
    """Say what is wrong with a worker, if anything."""
    if not worker.alive:
        return f"the thread {worker.name} has ended; start the process anew"
    if worker.failures >= FAILURES_IN_A_ROW:
        return f"{worker.name} has failed {worker.failures} times in a row: {worker.last_error}"
    return f"{worker.name} is stuck in one round, as behind a lock or a mute server" if stuck else None


def busy_for(worker: Worker, now: float) -> float:
    """Return for how many seconds the worker's current round has been running, 0 between rounds."""
    since = worker.busy_since
    return 0.0 if since is None else max(now - since, 0.0)
