"""The wait between two rounds of one worker, on one event that many threads may set."""

from __future__ import annotations

import threading

from outbox.clock import Clock, monotonic
from outbox.runtime.directive import Directive
from outbox.runtime.pacing import Pace, Pacing


class Pacer:
    """Obey directives, remember wakes, end at once on stop.

    Clear, look, wait, in that order: `wait` takes the permit as the last thing it does, the worker then
    looks for work, and a wake that lands while it looks or works leaves a permit that ends the next
    wakeable wait before it begins. So publish the work first, then call `wake`.

    `wake`, `stop` and the properties may be used from any thread; `wait` belongs to the
    worker's own thread. A signal handler should set a flag of its own instead of calling in here:
    `threading.Event` is not reentrant.
    """

    __slots__ = ("_clock", "_event", "_lock", "_pace", "_permit", "_stopping", "_waiting")

    def __init__(self, pacing: Pacing, *, clock: Clock = monotonic) -> None:
        self._pace = Pace(pacing)
        self._clock = clock
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._permit = False
        self._waiting = False
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping

    @property
    def waiting(self) -> bool:
        """Whether a wake would end a wait now: not while the worker works, paces itself or was just woken."""
        return self._waiting and not self._permit

    def wake(self) -> bool:
        """Store a permit, of which there is at most one, and return whether this call ended a wait.

        Never blocks. Costs one attribute read when a permit is already there, and does not touch the
        event while the worker is busy or pacing: a stream of wakes costs a paced worker no context
        switch.
        """
        return not self._permit and self._store_permit()

    def stop(self) -> None:
        """End the current wait and every later one at once. Idempotent."""
        with self._lock:
            self._stopping = True
            self._event.set()

    def wait(self, directive: Directive, until: float | None = None) -> None:
        """Block as the directive says, then consume the permit.

        `until` is an absolute time of the pacer's clock that shortens an Idle or a Sleep, for work that
        becomes due by itself. It does not shorten a Proceed, whose wait bounds how often the worker
        runs.
        """
        wait = self._pace.next(directive)
        deadline = self._clock() + wait.seconds
        if wait.wakeable and until is not None:
            deadline = min(deadline, until)
        self._sleep(deadline, wakeable=wait.wakeable)
        # Before the look that follows, never after it: what was published up to here, that look will see.
        with self._lock:
            self._permit = False

    def _store_permit(self) -> bool:
        with self._lock:
            if self._permit:
                return False
            self._permit = True
            if not self._waiting:
                return False
            self._event.set()
            return True

    def _sleep(self, deadline: float, *, wakeable: bool) -> None:
        if not self._begin(wakeable=wakeable):
            return
        # An idle interval may be infinite, but no lock can be waited for that long.
        self._event.wait(min(max(deadline - self._clock(), 0.0), threading.TIMEOUT_MAX))
        self._waiting = False

    def _begin(self, *, wakeable: bool) -> bool:
        """Clear the event unless the wait is over already; under the lock, lest a stop be cleared unseen."""
        with self._lock:
            if self._stopping or (wakeable and self._permit):
                return False
            self._event.clear()
            self._waiting = wakeable
            return True
