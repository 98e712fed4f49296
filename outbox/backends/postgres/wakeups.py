"""How wake-ups are written in a NOTIFY: ``<schema>|<process>|<e or s>|<partition ids>``.

Schema and process together are the origin of a wake-up.
"""

from __future__ import annotations

from collections.abc import Sequence

from outbox.backends.records import Wakeup

# NOTIFY takes 8 000 bytes; a longer list of partitions says "look at all of them".
MAX_IDS = 7000
PARTS = 4


def encode(origin: str, partition_ids: Sequence[int]) -> str:
    """Write that messages were enqueued to these partitions."""
    ids = ",".join(map(str, partition_ids))
    return f"{origin}|e|{ids if len(ids) <= MAX_IDS else ''}"


def decode(payload: str, *, own: str) -> Wakeup | None:
    """Read a payload; None for our own, for another schema's and for what is none of ours."""
    parts = payload.split("|")
    if len(parts) != PARTS or parts[2] not in {"e", "s"}:
        return None
    family, process = own.split("|")
    if parts[0] != family or parts[1] == process:
        return None
    try:
        return Wakeup(parts[2] == "s", tuple(int(part) for part in parts[3].split(",") if part))
    except ValueError:
        return None
