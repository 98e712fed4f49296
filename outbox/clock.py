"""Local time: monotonic, in seconds, injected where a test wants to hold it still."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

Clock = Callable[[], float]
"""Returns seconds that never go backwards. Only differences mean anything."""

# Not `time.monotonic`, which freezegun stops: a wait of ours would never be over. It leaves this one alone,
# and time-machine lets it pass for this clock; a name of its own, because freezegun replaces by identity.
# Where the platform can tell, the time counts for which the host was suspended: leases ran out meanwhile.
monotonic: Clock = partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))

wall_clock: Clock = time.time
"""Seconds since 1970 by this host, to compare with a time that the database gave. Decides nothing."""


def in_real_time(call: Callable[[], object]) -> None:
    """Call another library's function where its clock goes on: in a thread, where freezegun stops none."""
    if "freezegun" not in sys.modules:
        call()
        return
    thread = threading.Thread(target=call, name="real-time")
    thread.start()
    thread.join()


class Deadline:
    """A moment on the monotonic clock, which may move later but never earlier.

    Any thread may read it while another one extends it: it is a single float. One thread at a time
    may extend it.
    """

    __slots__ = ("at", "clock")

    def __init__(self, at: float, *, clock: Clock = monotonic) -> None:
        self.at = at
        self.clock = clock

    @classmethod
    def after(cls, seconds: float, *, clock: Clock = monotonic) -> Deadline:
        """Return the deadline ``seconds`` from now."""
        return cls(clock() + seconds, clock=clock)

    @classmethod
    def never(cls) -> Deadline:
        """Return a deadline that never passes."""
        return cls(math.inf)

    @property
    def passed(self) -> bool:
        """Whether the moment has come."""
        return self.clock() >= self.at

    def remaining(self) -> float:
        """Return the seconds left: never below zero, infinite if it never passes."""
        return max(0.0, self.at - self.clock())

    def extend_to(self, at: float) -> None:
        """Move the deadline to ``at`` if that is later."""
        self.at = max(self.at, at)

    def __repr__(self) -> str:
        return f"Deadline(remaining={self.remaining():.3f})"
