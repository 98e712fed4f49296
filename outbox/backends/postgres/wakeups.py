"""How wake-ups are written in a NOTIFY: ``<origin>|<e or s>|<partition ids>``."""

from __future__ import annotations

from collections.abc import Sequence

from outbox.backends.records import Wakeup

# NOTIFY takes 8 000 bytes; a longer list of partitions says "look at all of them".
MAX_IDS = 7000


def encode(origin: str, partition_ids: Sequence[int]) -> str:
    """Write that messages were enqueued to these partitions."""
    ids = ",".join(map(str, partition_ids))
    return f"{origin}|e|{ids if len(ids) <= MAX_IDS else ''}"


def decode(payload: str, *, own: str) -> Wakeup | None:
    """Read a payload; None for our own and for what is none of ours."""
    origin, _, rest = payload.partition("|")
    kind, _, ids = rest.partition("|")
    if origin == own or kind not in {"e", "s"}:
        return None
    try:
        return Wakeup(kind == "s", tuple(int(part) for part in ids.split(",") if part))
    except ValueError:
        return None
