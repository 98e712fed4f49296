"""How lists and texts travel: lists as JSON, texts as hexadecimal digits, all in pure ASCII.

No session's character set, collation or sql_mode can change what arrives. Nor can what releases make of
text in JSON: up to MariaDB 10.6, JSON_UNQUOTE knows no emoji; JSON_TABLE, in the first releases that had it,
leaves escapes as they are (MariaDB) and makes the text "null" of a null (MySQL).
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


def digits(value: str | None) -> str | None:
    """Write the bytes of a text as hexadecimal digits, None as it is."""
    return None if value is None else value.encode().hex()


def decoded(value: bytes | None) -> str | None:
    """Read a text column that was cast to binary."""
    return None if value is None else value.decode()


def microseconds(seconds: float) -> int:
    """Return a duration as the whole number that INTERVAL takes."""
    return max(0, round(seconds * 1_000_000))
