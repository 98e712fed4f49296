"""Which payloads outside the database messages have."""

from __future__ import annotations

from outbox.backends.protocol import Backend
from outbox.values.claims import CLAIM_TYPE, OF


def claimed_names(backend: Backend) -> frozenset[str]:
    """Return the names of all that messages, dead letters and parked ones have, all of one moment."""
    rows = backend.query("claimed", pattern=f"{CLAIM_TYPE}{OF}%")
    return frozenset(bytes(row.payload).decode() for row in rows)
