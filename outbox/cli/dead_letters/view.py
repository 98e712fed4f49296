"""How dead letters look."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import accumulate
from typing import Any

from outbox.cli.output import emit_rich, plain, table
from outbox.dead_letters import DeadLetter
from outbox.values.readable import moment, shortened

COLUMNS = (
    "#id",
    "queue",
    "#partition",
    "#seq",
    "status",
    "#attempts",
    "failed at",
    "#bytes",
    "type",
    "last error",
)
ERROR_WIDTH = 60  # of a table: the whole error is in `show`
HEX_WIDTH = 16  # bytes in a line, as every dump has
HEX_LINES = 64  # a kilobyte: enough to see what it is
DEEPEST = 100
"""What is nested deeper may be poison because of that, and Python's JSON ends in a `RecursionError` too."""


def cells(letter: DeadLetter) -> tuple[object, ...]:
    """Return a letter's line in a table."""
    return (
        letter.id,
        letter.queue or "(gone)",
        letter.partition if letter.queue else "-",
        letter.seq,
        letter.status,
        letter.attempts,
        moment(letter.failed_at),
        len(letter.payload),
        shortened(letter.payload_type, 40),
        shortened(letter.last_error, ERROR_WIDTH),
    )


def emit_table(rows: list[tuple[object, ...]]) -> None:
    """Print letters."""
    emit_rich(table(COLUMNS, rows))


def as_json(letter: DeadLetter, *, payload: bool) -> dict[str, Any]:
    """Return a letter for scripts; ``payload_base64`` is exact whatever the payload is."""
    facts = {name: value for name, value in vars(letter).items() if name != "payload"}
    facts |= {
        "status": letter.status.value,
        "headers": dict(letter.headers),
        "payload_size": len(letter.payload),
    }
    if payload:
        facts["payload"] = readable(letter)
        facts["payload_base64"] = base64.b64encode(letter.payload).decode()
    return facts


def readable(letter: DeadLetter) -> Any:
    """Return a payload as JSON can hold it: parsed, as text, or not at all."""
    text = decoded(letter.payload)
    if text is not None and "json" in letter.payload_type and depth(text) <= DEEPEST:
        with suppress(ValueError):
            return json.loads(text)
    return text


def depth(text: str) -> int:
    """Return how deep the brackets of a text are nested, those inside of its strings included."""
    steps = (1 if bracket in "[{" else -1 for bracket in re.findall(r"[][{}]", text))
    return max(accumulate(steps), default=0)


def decoded(payload: bytes) -> str | None:
    """Return a payload as text; None for bytes that are none."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    return text if all(c.isprintable() or c in "\n\r\t" for c in text) else None


def details(letter: DeadLetter) -> Iterator[str]:
    """Yield a letter in full, for people."""
    facts = {
        "dead letter": letter.id,
        "message": letter.message_id,
        "queue": f"{letter.queue or '(gone)'}, partition {letter.partition}, seq {letter.seq}",
        "status": letter.status,
        "enqueued": moment(letter.created_at),
        "failed": moment(letter.failed_at),
        "attempts": letter.attempts,
        "completed": moment(letter.completed_at),
        "claimed until": moment(letter.deadline),
        "claim": letter.claim,
        "type": letter.payload_type,
    }
    for name, value in facts.items():
        if value not in {None, "-"}:
            yield f"{name + ':':<15}{plain(str(value))}"
    for name, value in letter.headers.items():
        yield f"{'header:':<15}{plain(name)}: {plain(value)}"
    yield from block("error:", letter.last_error or "none")
    yield from block(f"payload, {len(letter.payload)} bytes:", pretty(letter))


def block(title: str, text: str) -> Iterator[str]:
    """Yield a title and the lines below it."""
    yield title
    yield from (f"  {plain(line.expandtabs())}" for line in text.splitlines())


def pretty(letter: DeadLetter) -> str:
    """Return a payload for people: JSON indented, text as it is, bytes in hexadecimal."""
    value = readable(letter)
    if value is None:
        return hexadecimal(letter.payload) if decoded(letter.payload) is None else "null"
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def hexadecimal(data: bytes) -> str:
    """Return the first kilobyte of some bytes, sixteen a line."""
    lines = []
    for start in range(0, min(len(data), HEX_WIDTH * HEX_LINES), HEX_WIDTH):
        part = data[start : start + HEX_WIDTH]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:08x}  {part.hex(' '):<{HEX_WIDTH * 3}} {letters}")
    if len(data) > HEX_WIDTH * HEX_LINES:
        lines.append(f"… {len(data) - HEX_WIDTH * HEX_LINES} bytes more; --raw writes all of them")
    return "\n".join(lines)
