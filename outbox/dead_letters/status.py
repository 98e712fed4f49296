"""The life of a dead letter."""

from __future__ import annotations

import enum


class DeadLetterStatus(str, enum.Enum):
    """Where a dead letter stands; each is its name in the table.

    ::

                      replay                    resolve
        PENDING ------------------> REPROCESSING -----------> RESOLVED ---+
         |   |  <------------------      | ^                     ^        | cleanup
         |   |        reject             | | replay, once the    |        +---------> (deleted)
         |   |                           +-+ deadline has passed |        |
         |   +---------------------------------------------------+        |
         |                    requeue                                     |
         +--------------------------------------------------> DISCARDED --+
                              discard

    Nothing is replayed by itself. A claim whose deadline has passed counts as pending: it can be
    replayed by another one, requeued and discarded. Until that happens its claimant may still resolve
    or reject it.
    """

    PENDING = "pending"
    REPROCESSING = "reprocessing"
    RESOLVED = "resolved"
    DISCARDED = "discarded"

    def __str__(self) -> str:
        return self.value
