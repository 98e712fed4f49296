"""How lists and texts travel: as JSON in pure ASCII.

No session's character set, collation or sql_mode can change what arrives.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence


def integers(values: Iterable[int]) -> str:
    """Write a JSON array of integers."""
    return f"[{','.join(map(str, values))}]"


def records(rows: Sequence[Sequence[object]]) -> str:
    """Write a JSON array of arrays."""
    return json.dumps(rows, separators=(",", ":"))


def string(value: str | None) -> str | None:
    """Write a JSON string, None as it is."""
    return None if value is None else json.dumps(value)


def decoded(value: bytes | None) -> str | None:
    """Read a text column that was cast to binary."""
    return None if value is None else value.decode()


def microseconds(seconds: float) -> int:
    """Return a duration as the whole number that INTERVAL takes."""
    return max(0, round(seconds * 1_000_000))
