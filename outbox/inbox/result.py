"""What the number of a message means to a receiver."""

from __future__ import annotations

from enum import Enum


class InboxResult(Enum):
    """The answer of `Inbox.accept`."""

    NEW = "new"
    """The next number of its partition: handle it."""

    DUPLICATE = "duplicate"
    """Accepted before: leave it alone."""

    GAP = "gap"
    """New, and numbers before it did not come: handle it.

    They were dead-lettered, parked or skipped at the source, and come with new numbers if they are sent
    again; or something on the way lost or reordered them.
    """

    @property
    def is_new(self) -> bool:
        """Whether the message is to be handled."""
        return self is not InboxResult.DUPLICATE


def result_of(seq: int, previous: int) -> InboxResult:
    """Return what a number means to a partition that stood at ``previous``."""
    if seq <= previous:
        return InboxResult.DUPLICATE
    return InboxResult.NEW if seq == previous + 1 else InboxResult.GAP
