"""Payloads that lie outside the database: the seam through which workers and the doctor look after them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

# What a message has instead of such a payload is of this type, and is the payload's name.
CLAIM_TYPE = "application/vnd.outbox.claim"
OF = "; of="

Held = Callable[[], frozenset[str]]
"""Reads the names that messages have, dead letters and parked ones included, all of one moment."""


class Stray(NamedTuple):
    """What does not belong together."""

    orphans: frozenset[str]
    """Payloads of no message that no worker has deleted in time."""
    missing: frozenset[str]
    """Payloads that messages have and the store does not."""


@runtime_checkable
class Claims(Protocol):
    """Looks after a store; ``owner`` names the family of tables that it belongs to."""

    def due(self) -> bool:
        """Whether the time between two sweeps has passed."""

    def sweep(self, owner: str, held: Held) -> int:
        """Delete the payloads of no message, and return how many."""

    def find_stray(self, held: Held) -> Stray:
        """Return what does not belong together; deletes nothing."""


def claims_of(codec: object) -> Claims | None:
    """Return what looks after a codec's payloads, None for one that keeps them in the database."""
    claims = getattr(codec, "claims", None)
    return claims if isinstance(claims, Claims) else None
