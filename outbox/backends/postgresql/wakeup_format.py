"""How wake-ups are written in a NOTIFY: ``<schema>|<process>|<kind>|<partition ids>``.

Schema and process together are the origin of a wake-up. The kind is ``e`` for enqueued, ``m`` for
enqueued and there may be more, and ``s`` for sequenced.
"""

from __future__ import annotations

from collections.abc import Sequence

from outbox.backends.records import Wakeup

# NOTIFY takes 8 000 bytes; a longer list of partitions says "look at all of them".
MAX_IDS = 7000
PARTS = 4  # schema, process, kind, ids: another application may use the same channel
KINDS = frozenset("ems")


def encode(origin: str, partition_ids: Sequence[int], *, more: bool = False) -> str:
    """Write that messages were enqueued to these partitions."""
    ids = ",".join(map(str, partition_ids))
    return f"{origin}|{'m' if more else 'e'}|{ids if len(ids) <= MAX_IDS else ''}"


def decode(payload: str, *, own: str) -> Wakeup | None:
    """Read a payload; None for our own, for another schema's and for what is none of ours."""
    parts = payload.split("|")
    if len(parts) != PARTS or parts[2] not in KINDS:
        return None
    family, process = own.split("|")
    if parts[0] != family or parts[1] == process:
        return None
    try:
        ids = tuple(int(part) for part in parts[3].split(",") if part)
    except ValueError:
        return None
    return Wakeup(parts[2] == "s", ids, more=parts[2] == "m")
