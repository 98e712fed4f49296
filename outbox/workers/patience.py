"""How long a turn goes on while another queue waits for a thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from outbox.clock import Clock, monotonic
from outbox.runtime.ready_queue import ReadyQueue
from outbox.workers.consumer import Consumer

# A turn that has lasted this long ends with the message in hand when another queue has something ready. Long
# enough that its two round trips are a small part of it; with four threads a queue waits a quarter of it.
SHARE_SECONDS = 0.05
# Looking takes the lock that all threads share, so quick handlers do not cause a look each.
LOOK_SECONDS = 0.01


class Patience:
    """Tells one turn whether to begin no further message; asked before each, by the turn's thread.

    Time counts from the first question, so that one message at least is handled.
    """

    __slots__ = ("_clock", "_next_look", "_others_wait", "_over")

    def __init__(self, others_wait: Callable[[], bool], clock: Clock) -> None:
        self._others_wait = others_wait
        self._clock = clock
        self._next_look: float | None = None
        self._over = False

    def __call__(self) -> bool:
        """Return whether the turn is over; once it is, it stays so."""
        if self._over:
            return True
        now = self._clock()
        if self._next_look is None:
            self._next_look = now + SHARE_SECONDS
        elif now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self._over = self._others_wait()
        return self._over


class Fairness:
    """Makes the patience of turns: of one consumer with the ready partitions of all others."""

    def __init__(
        self, ready: ReadyQueue, consumers: Mapping[int, Consumer], *, clock: Clock = monotonic
    ) -> None:
        self._ready = ready
        self._consumers = consumers
        self._clock = clock

    def begin(self, consumer: Consumer, crowded: Callable[[], bool] = lambda: False) -> Patience:
        """Return the patience of a turn that begins now; it ends it, too, when the turn is ``crowded``."""
        return Patience(lambda: crowded() or self._others_wait(consumer), self._clock)

    def _others_wait(self, consumer: Consumer) -> bool:
        return any(self._consumers[key] is not consumer for key in self._ready.heads())
