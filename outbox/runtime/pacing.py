"""How long a worker waits after each directive: pure arithmetic, no clock and no thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from outbox.runtime.directive import Directive, Proceed, Sleep


@dataclass(frozen=True, slots=True)
class Pacing:
    """The intervals of one worker, in seconds.

    `active_interval` is the pace on taking up work; every further Proceed shortens it by `ramp_step`,
    down to `min_interval`. `idle_interval` bounds the wait of a worker that found nothing.
    """

    min_interval: float
    active_interval: float
    idle_interval: float
    ramp_step: float


class Wait(NamedTuple):
    """Wait some seconds; a wake ends the wait early only when it is `wakeable`."""

    seconds: float
    wakeable: bool


class Pace:
    """Turn directives into waits.

    ::

                    Proceed: wait the pace, then shorten it by ramp_step
                    +--------------------------------------------------+
                    v                                                  |
        [pace = active_interval] --> [pace - ramp_step] --> ... --> [pace = min_interval]
                    ^                                                  |
                    +--------------------------------------------------+
                    Idle: wait for a wake, at most idle_interval
                    Sleep(d): wait for a wake, at most d

    `Proceed(pause=p)` waits p and leaves the pace alone. Not thread-safe; one worker owns it.
    """

    __slots__ = ("_pace", "_pacing")

    def __init__(self, pacing: Pacing) -> None:
        self._pacing = pacing
        self._pace = pacing.active_interval

    def next(self, directive: Directive) -> Wait:
        """Return the wait that this directive asks for, and move the pace on."""
        if isinstance(directive, Proceed):
            return Wait(self._ramp_down() if directive.pause is None else directive.pause, wakeable=False)
        self._pace = self._pacing.active_interval
        if isinstance(directive, Sleep):
            return Wait(directive.seconds, wakeable=True)
        return Wait(self._pacing.idle_interval, wakeable=True)

    def _ramp_down(self) -> float:
        pace = self._pace
        self._pace = max(pace - self._pacing.ramp_step, self._pacing.min_interval)
        return pace
