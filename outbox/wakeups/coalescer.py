"""Leave most wake-ups of a stream out, and lose none: what a sender and its receivers agree on.

A single wake-up is sent as it is. When the next one follows within `GAP`, it says so: "there may be
more, which I do not announce". For `GAP` seconds the sender then says nothing, and each receiver
polls once they are over. What was left out happened before that poll, since the wake-up
was heard after it had been sent. So a stream costs one wake-up in `GAP`, whatever its rate, and no
thread has to send a last one.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Final

from outbox.clock import Clock, monotonic

GAP: Final = 0.01
"""Seconds. Short beside a poll, long beside a NOTIFY; guessed, no measurement."""
ANNOUNCE_INTERVAL: Final = 0.05
"""Seconds between two announcements of a process's sequencers; the reconcilers poll as often while busy."""


class Wake(Enum):
    """What to do about a wake-up."""

    SEND = "send"
    """Send it; the next one will be sent as well."""
    SEND_FOR_MORE = "send for more"
    """Send it, and say that there may be more."""
    SKIP = "leave out"
    """The receivers are going to poll anyway."""


class NotifyCoalescer:
    """The sender's half. Pure: the caller brings the time. Not thread-safe."""

    __slots__ = ("_last", "_silent_until")

    def __init__(self) -> None:
        self._last = -math.inf
        self._silent_until = -math.inf

    def next(self, now: float) -> Wake:
        """Decide about a wake-up at this time."""
        follows, self._last = now - self._last < GAP, now
        if now < self._silent_until:
            return Wake.SKIP
        if not follows:
            return Wake.SEND
        self._silent_until = now + GAP
        return Wake.SEND_FOR_MORE

    def failed(self) -> None:
        """The last one was not sent after all: leave nothing out."""
        self._last = self._silent_until = -math.inf


class RateLimit:
    """How often a sequencer tells other processes of work for their processors: at most once in 50 ms.

    NOTIFY takes a global lock at commit, and one wakes them for many partitions. What falls between two is
    found by their reconcilers, so no follow-up is needed. Shared by threads without a lock: a race announces
    once too often.

    It knows nothing of `NotifyCoalescer`, as neither can stand for the other: a producer's wake-up comes
    before its messages have numbers, and this one, inside the statement that gives them, says that they have.
    """

    __slots__ = ("_clock", "_last")

    def __init__(self, *, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._last = -math.inf

    def allow(self) -> bool:
        """Return whether to announce now; the answer yes counts as an announcement."""
        now = self._clock()
        if now - self._last < ANNOUNCE_INTERVAL:
            return False
        self._last = now
        return True


class FollowUpPoll:
    """The receiver's half: when to look for what was not announced. As pure, and not thread-safe."""

    __slots__ = ("_at", "_heard")

    def __init__(self) -> None:
        self._at = math.inf
        self._heard = -math.inf

    def heard(self, now: float) -> None:
        """Take in that there may be more."""
        self._heard = now
        self._at = min(self._at, now + GAP)

    def wait(self, now: float, longest: float) -> float:
        """Return for how many seconds to wait for other things."""
        return min(max(self._at - now, 0.0), longest)

    def due(self, now: float) -> bool:
        """Return whether to look now; the answer yes counts as a look."""
        if now < self._at:
            return False
        # What was heard less than a gap ago wants another one.
        self._at = self._heard + GAP if self._heard + GAP > now else math.inf
        return True
