"""What a broker says to one message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The broker has it, now or already from an earlier delivery."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The broker will never take this message: it goes to the dead letters, the rest goes on."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """Refused together with others, and one of them is to blame: each is sent again alone."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Not confirmed; nothing behind it is sent before it was delivered again.

    ``counts`` is False where the message is not to blame: the broker is away, full or slow. ``delay``
    is the time in seconds that the receiver asked for.
    """

    reason: str
    counts: bool = False
    delay: float | None = None


Answer = Confirmed | Refused | Unclear | Failed

CONFIRMED = Confirmed()


class BrokerAway(Exception):
    """No connection to the broker could be made; nothing was sent."""
