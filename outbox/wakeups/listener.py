"""Wake-ups from other processes (PostgreSQL)."""

from __future__ import annotations

from outbox.backends.protocol import Listener, Wakeups
from outbox.backends.records import Wakeup
from outbox.clock import Clock, monotonic
from outbox.errors import DatabaseError
from outbox.events import WakeupsLost, WakeupsRestored
from outbox.runtime.directive import Directive, Proceed, Sleep
from outbox.runtime.observers import Observers
from outbox.wakeups.coalescer import FollowUpPoll
from outbox.wakeups.stages import StageWakeups

# A server that does not let listen now seldom does a moment later; meanwhile the poll finds the work.
RETRY_SECONDS = 30.0
# So often an idle listener returns, so that its worker shows signs of life.
WAIT_SECONDS = 60.0


class WakeupListener:
    """The action of the listener thread. It may fail: polling is underneath, and it tries again later."""

    def __init__(
        self, backend: Wakeups, stages: StageWakeups, observers: Observers, *, clock: Clock = monotonic
    ) -> None:
        self._backend = backend
        self._stages = stages
        self._clock = clock
        self._later = FollowUpPoll()
        self._listener: Listener | None = None
        self._observers = observers
        self._lost = False
        self._interrupted = False

    def run_once(self) -> Directive:
        """Wait for news and pass it on; returns when there was some, or on `interrupt`."""
        try:
            if self._listener is None:
                self._listener = self._backend.listen()
                # What was announced before this listened.
                self._stages.poll_now()
                if self._lost:
                    self._lost = False
                    self._observers.tell(WakeupsRestored())
            # Asked after the listener is there for `interrupt` to find: one of the two sees the other.
            wait = 0.0 if self._interrupted else self._later.wait(self._clock(), WAIT_SECONDS)
            for wakeup in self._listener.receive(wait):
                self._pass_on(wakeup)
            if self._later.due(self._clock()):
                self._stages.poll_now()
        except DatabaseError as error:
            self.close()
            self._lost = True
            self._observers.tell(WakeupsLost(sending=False, error=error, retry_in=RETRY_SECONDS))
            return Sleep(RETRY_SECONDS)
        return Proceed(pause=0)

    def interrupt(self) -> None:
        """End the current wait and every later one; any thread."""
        self._interrupted = True
        listener = self._listener
        if listener is not None:
            listener.interrupt()

    def close(self) -> None:
        """Give the connection back; the worker's thread only."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def _pass_on(self, wakeup: Wakeup) -> None:
        if wakeup.more:
            self._later.heard(self._clock())
        if not wakeup.partition_ids:
            self._stages.poll_now()
        elif wakeup.sequenced:
            self._stages.sequenced(wakeup.partition_ids)
        else:
            self._stages.enqueued(wakeup.partition_ids)
