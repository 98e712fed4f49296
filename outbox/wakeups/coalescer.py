"""Leave most wake-ups of a stream out, and lose none: what a sender and its receivers agree on.

A single wake-up is sent as it is. When the next one follows within `GAP`, it says so: "there may be
more, which I do not announce". For `GAP` seconds the sender then says nothing, and whoever heard it
looks for itself once they are over. What was left out happened before that look, since the wake-up
was heard after it had been sent. So a stream costs one wake-up in `GAP`, whatever its rate, and no
thread has to send a last one.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Final

GAP: Final = 0.01
"""Seconds."""


class Wake(Enum):
    """What to do about a wake-up."""

    SEND = "send"
    """Send it; the next one will be sent as well."""
    SEND_FOR_MORE = "send for more"
    """Send it, and say that there may be more."""
    LEAVE_OUT = "leave out"
    """Everybody is going to look anyway."""


class Thinning:
    """The sender's half. Pure: the caller brings the time. Not thread-safe."""

    __slots__ = ("_last", "_silent_until")

    def __init__(self) -> None:
        self._last = -math.inf
        self._silent_until = -math.inf

    def next(self, now: float) -> Wake:
        """Decide about a wake-up at this time."""
        follows, self._last = now - self._last < GAP, now
        if now < self._silent_until:
            return Wake.LEAVE_OUT
        if not follows:
            return Wake.SEND
        self._silent_until = now + GAP
        return Wake.SEND_FOR_MORE

    def failed(self) -> None:
        """The last one was not sent after all: leave nothing out."""
        self._last = self._silent_until = -math.inf


class LaterLook:
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
