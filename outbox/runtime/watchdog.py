"""Say when a round does not come to an end, as behind a lock or a server that is mute."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

from outbox.clock import Clock, monotonic
from outbox.runtime.directive import Directive, Sleep
from outbox.runtime.worker import Worker

TOO_LONG: Final = 8.0
"""Seconds: far beyond any round of ours, and told within ten, together with the look that comes after it."""
LOOK_EVERY: Final = 1.0
"""Seconds."""

log = logging.getLogger("outbox.workers")


class Watchdog:
    """The action of the watchdog thread, over workers whose rounds call no handler, and over locked rows."""

    def __init__(
        self,
        workers: Iterable[Worker],
        *,
        locked: Callable[[], str | None] = lambda: None,
        explain: Callable[[], str] = str,
        clock: Clock = monotonic,
    ) -> None:
        """``locked`` tells of rows that stay locked; ``explain`` asks the database who holds locks."""
        self._workers = tuple(workers)
        self._locked = locked
        self._explain = explain
        self._clock = clock
        self._stuck: dict[str, float] = {}
        self._told_locked = False

    @property
    def stuck(self) -> tuple[str, ...]:
        """The names of the workers whose round takes too long; safe from any thread."""
        return tuple(worker.name for worker in self._workers if self._since(worker) is not None)

    @property
    def locked(self) -> str | None:
        """A sentence about rows that stay locked, None if there are none; safe from any thread."""
        return self._locked()

    def run_once(self) -> Directive:
        """Tell once of each worker that is stuck and of locked rows, and once when they go on."""
        news = self._look_at_rows()
        for worker in self._workers:
            since, known = self._since(worker), self._stuck.get(worker.name)
            if known is not None and since != known:
                self._tell_over(worker, known)
            if since is not None and since != known:
                self._tell(worker, since)
                news = True
        if news:
            # Last, because a mute server does not answer this either.
            self._tell_holders()
        return Sleep(LOOK_EVERY)

    def _look_at_rows(self) -> bool:
        sentence = self._locked()
        began, self._told_locked = sentence is not None and not self._told_locked, sentence is not None
        if began:
            log.error("%s", sentence, extra={"event": "outbox.rows_locked"})
        return began

    def _tell_holders(self) -> None:
        if found := self._explain():
            log.error("who holds locks: %s", found, extra={"event": "outbox.lock_holders"})

    def _since(self, worker: Worker) -> float | None:
        """Return when the current round began, if that is too long ago."""
        since = worker.busy_since
        return since if since is not None and self._clock() - since >= TOO_LONG else None

    def _tell(self, worker: Worker, since: float) -> None:
        self._stuck[worker.name] = since
        log.error(
            "%s has been in one round for %.0f s: the database does not answer, or a lock on the outbox's "
            "tables is held (by whom, is asked next, and `outbox doctor` tells); end that session, or bring "
            "the server back",
            worker.name,
            self._clock() - since,
            extra={"event": "outbox.worker_stuck", "worker": worker.name},
        )

    def _tell_over(self, worker: Worker, since: float) -> None:
        del self._stuck[worker.name]
        log.warning(
            "%s goes on; its round had begun %.0f s ago",
            worker.name,
            self._clock() - since,
            extra={"event": "outbox.worker_goes_on", "worker": worker.name},
        )
