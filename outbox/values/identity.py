"""Who a family of tables is, and the names that its messages have among those of all families."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MICROSECOND = timedelta(microseconds=1)
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
PAIRS = [high + low for high in DIGITS for low in DIGITS]
IDS = 0
"""Stands for the ids of the messages where a partition's numbers are meant otherwise; no partition has it."""


class Names(Protocol):
    """Names messages; an `Identity`, or what keeps a current one."""

    def uid(self, message_id: int, created_at: datetime) -> str:
        """Return the name of a message; see `Identity.uid`."""

    def source(self, partition_id: int, seq: int) -> str:
        """Return where a number comes from; see `Identity.source`."""


@dataclass(frozen=True)
class Identity:
    """A family of tables: its random name, and the epoch in which it gives out numbers.

    Numbers come again when a standby takes over that lacks the last seconds, or a backup is restored; a new
    epoch says so. ``ends`` tells the last number of each older epoch, for each partition and for the ids.
    """

    installation: str
    epoch: int = 1
    ends: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """From an epoch to the last numbers that are older than it."""

    def epoch_of(self, partition_id: int, number: int) -> int:
        """Return the epoch in which a number was given out."""
        if not self.ends:
            return self.epoch
        for epoch in sorted(self.ends):
            if number <= self.ends[epoch].get(partition_id, 0):
                return epoch - 1
        return self.epoch

    def source(self, partition_id: int, seq: int) -> str:
        """Return installation and epoch of a partition's number: together they never come again."""
        return f"{self.installation}-{self.epoch_of(partition_id, seq)}"

    def uid(self, message_id: int, created_at: datetime) -> str:
        """Return the name of a message: installation, epoch, id, and the microsecond of its enqueue.

        The time tells apart what was enqueued under one id before and after a failover, as long as no
        process had noticed that.
        """
        epoch = self.epoch_of(IDS, message_id)
        return f"{self.installation}-{epoch}-{message_id}-{base36((created_at - EPOCH) // MICROSECOND)}"


NAMELESS = Identity("0")
"""Names messages that come from no database, such as those a test makes."""


def identity_of(source: str) -> Identity:
    """Return an identity of which all numbers have this source."""
    installation, _, epoch = source.rpartition("-")
    return Identity(installation, int(epoch)) if installation else NAMELESS


def base36(number: int) -> str:
    """Write a number of zero or more with digits and small letters."""
    digits = ""
    # Two digits at once: every message that leaves through a relay has one of these in its name.
    while number >= 1296:
        number, pair = divmod(number, 1296)
        digits = PAIRS[pair] + digits
    return (PAIRS[number] + digits).lstrip("0") or "0"
