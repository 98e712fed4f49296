"""Say at once what is new, and seldom what is said already: the one throttle of all log lines."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Final, NamedTuple

from outbox.clock import Clock, monotonic

SILENCE: Final = 60.0
"""Seconds after the first line of a trouble. A minute is short enough to see whether it goes on."""
LONGEST_SILENCE: Final = 3600.0
"""Seconds at which doubling ends: an outage of a week is some 170 lines, one of an hour is six."""
MOST_KEYS: Final = 10_000
"""Troubles remembered at once. Beyond that all are forgotten, which costs a line each."""


class Admission(NamedTuple):
    """Leave to log: whether the trouble is ``new``, and how many lines were held back since the last."""

    new: bool
    held_back: int


class _Trouble:
    __slots__ = ("held_back", "last_seen", "next_line", "silence")

    def __init__(self, now: float, silence: float) -> None:
        self.last_seen = now
        self.next_line = now + silence
        self.silence = silence
        self.held_back = 0


class Throttle:
    """Admits the first line about a trouble, then one after each silence, which doubles.

    A trouble that was not reported for twice its silence counts as new. Thread-safe.
    """

    def __init__(
        self, silence: float = SILENCE, longest: float = LONGEST_SILENCE, *, clock: Clock = monotonic
    ) -> None:
        self._silence = silence
        self._longest = longest
        self._clock = clock
        # Two threads may report the same trouble; each of the lines held back is counted once.
        self._lock = threading.Lock()
        self._troubles: dict[Hashable, _Trouble] = {}

    def admit(self, trouble: Hashable) -> Admission | None:
        """Return leave to log a line about this trouble now, None to stay silent."""
        now = self._clock()
        with self._lock:
            known = self._troubles.get(trouble)
            if known is None or now - known.last_seen > 2 * known.silence:
                if len(self._troubles) >= MOST_KEYS:
                    self._troubles.clear()
                self._troubles[trouble] = _Trouble(now, self._silence)
                return Admission(new=True, held_back=0)
            known.last_seen = now
            if now < known.next_line:
                known.held_back += 1
                return None
            admission = Admission(new=False, held_back=known.held_back)
            known.silence = min(known.silence * 2, self._longest)
            known.next_line = now + known.silence
            known.held_back = 0
            return admission

    def over(self, trouble: Hashable) -> None:
        """Forget a trouble: the next report of it is new."""
        with self._lock:
            self._troubles.pop(trouble, None)
