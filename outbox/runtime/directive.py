"""What a round of work asks of the loop that runs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Proceed:
    """There was work and there may be more: run again after the pace, or after `pause` seconds if given.

    A wake never cuts this wait short, so it bounds how often a worker runs. `Proceed(pause=0)` goes on
    at once, as a worker does while a backlog stands. A given pause leaves the pace as it is.
    """

    pause: float | None = None

    def __post_init__(self) -> None:
        if self.pause is not None:
            check_seconds("pause", self.pause)


@dataclass(frozen=True, slots=True)
class Idle:
    """There was nothing to do: wait for a wake, at most for the idle interval."""

    looked: bool = field(default=True, compare=False)
    """Whether that was asked of the database; if not, the round proves nothing after a failure."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Nothing can be done for some seconds: wait that long, or until a wake."""

    seconds: float

    def __post_init__(self) -> None:
        check_seconds("seconds", self.seconds)


Directive: TypeAlias = Proceed | Idle | Sleep


def check_seconds(name: str, value: float) -> None:
    """Refuse a negative duration and NaN with a `ValueError` that shows the value."""
    if not value >= 0:
        raise ValueError(f"{name} must be at least 0 seconds, got {value!r}")
