"""Numbers, times and counts as people read them."""

from __future__ import annotations

from datetime import datetime

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def duration(seconds: float | None) -> str:
    """Return ``3.2 s``, ``4 min 10 s``, ``2 h 5 min``, ``3 d 4 h``; a dash for None."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{max(seconds, 0.0):.1f} s"
    rest = round(seconds)
    for size, name in UNITS:
        if rest >= size:
            whole, rest = divmod(rest, size)
            smaller = {"d": (3_600, "h"), "h": (60, "min"), "min": (1, "s")}[name]
            part = rest // smaller[0]
            return f"{whole} {name} {part} {smaller[1]}" if part else f"{whole} {name}"
    return f"{rest} s"


def count(number: int, noun: str) -> str:
    """Return ``1 letter``, ``2 letters``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(time: datetime | None) -> str:
    """Return a time in UTC, to the second; a dash for None."""
    return "-" if time is None else time.strftime("%Y-%m-%d %H:%M:%SZ")


def shortened(text: str | None, width: int) -> str:
    """Return the first line of a text, cut; a dash for None."""
    if not text:
        return "-"
    line = text.strip().split("\n", 1)[0]
    return line if len(line) <= width else f"{line[: width - 1]}…"
