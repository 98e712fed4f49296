"""What is done with a message that is given up, and how much may wait apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from outbox.errors import ConfigurationError
from outbox.values.durations import whole

OnGiveUp: TypeAlias = Literal["dead_letter", "park_key"]
CHOICES: Final = ("dead_letter", "park_key")


@dataclass(frozen=True)
class ParkLimits:
    """How much may be parked in one partition before it stands still rather than give up an order.

    A worker holds the keys in memory; a release moves all messages of a key in one transaction.
    """

    keys: int = 1_000
    """Keys of a partition. At the limit a further message is not given up: it is tried again and again."""
    messages: int = 10_000
    """Messages of a key. At the limit the partition waits before the next one of that key."""

    def __post_init__(self) -> None:
        whole(self.keys, option="keys", minimum=1)
        whole(self.messages, option="messages", minimum=1)


def checked_give_up(on_give_up: object, limits: object, max_attempts: int | None) -> ParkLimits | None:
    """Return the limits for a queue that parks keys, None for one that does not."""
    if on_give_up not in CHOICES:
        raise ConfigurationError("on_give_up", on_give_up, f"give one of {', '.join(CHOICES)}")
    if limits is not None and not isinstance(limits, ParkLimits):
        raise ConfigurationError("park_limits", limits, "give a ParkLimits")
    if on_give_up == "dead_letter":
        if limits is not None:
            raise ConfigurationError("park_limits", limits, 'they need on_give_up="park_key"')
        return None
    if max_attempts is None:
        raise ConfigurationError("on_give_up", on_give_up, "nothing is ever given up; give max_attempts too")
    return limits or ParkLimits()
