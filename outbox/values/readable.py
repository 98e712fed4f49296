"""Numbers, times and counts as people read them."""

from __future__ import annotations

from datetime import datetime

SUFFIXES = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0}
# Thirty years, in seconds: what is longer is a typing error, and no wait of the system takes it.
LONGEST = 10.0**9
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


def failed_deliveries(number: int) -> str:
    """Return ``1 failed delivery``, ``2 failed deliveries``."""
    return f"{number} failed {'delivery' if number == 1 else 'deliveries'}"


def moment(time: datetime | None) -> str:
    """Return a time in UTC, to the second; a dash for None."""
    return "-" if time is None else time.strftime("%Y-%m-%d %H:%M:%SZ")


def shortened(text: str | None, width: int) -> str:
    """Return the first line of a text, cut; a dash for None."""
    if not text:
        return "-"
    line = text.strip().split("\n", 1)[0]
    return line if len(line) <= width else f"{line[: width - 1]}…"


def parse_seconds(text: str) -> float:
    """Read ``90``, ``1.5m``, ``2h`` or ``7d`` as seconds; raises `ValueError` with a sentence."""
    words = text.strip().lower()
    digits = words.rstrip("abcdefghijklmnopqrstuvwxyz").rstrip()
    unit = words[len(digits) :].strip() or "s"
    try:
        seconds = float(digits) * SUFFIXES[unit]
    except (ValueError, KeyError):
        raise ValueError(f"{text!r} is no duration; write 90, 90s, 15m, 2h or 7d") from None
    # Neither NaN nor infinity can be waited for.
    if not 0 <= seconds <= LONGEST:
        raise ValueError(f"{text!r} is out of range; write a duration between 0 and thirty years")
    return seconds
