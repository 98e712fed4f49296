"""Durations and times as people type them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import click

SUFFIXES = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0}
# Thirty years, in seconds: what is longer is a typing error, and no wait of the system takes it.
LONGEST = 10.0**9


def parse_duration(text: str) -> float:
    """Read ``90``, ``1.5m``, ``2h`` or ``7d`` as seconds; raises `click.BadParameter`."""
    words = str(text).strip().lower()
    digits = words.rstrip("abcdefghijklmnopqrstuvwxyz").rstrip()
    unit = words[len(digits) :].strip() or "s"
    try:
        seconds = float(digits) * SUFFIXES[unit]
    except (ValueError, KeyError):
        raise click.BadParameter(f"{text!r} is no duration; write 90, 90s, 15m, 2h or 7d") from None
    # Neither NaN nor infinity can be waited for.
    if not 0 <= seconds <= LONGEST:
        raise click.BadParameter(f"{text!r} is out of range")
    return seconds


def ago(text: str) -> datetime:
    """Read a duration as how long ago; raises `click.BadParameter`."""
    try:
        return datetime.now(timezone.utc) - timedelta(seconds=parse_duration(text))
    except (click.BadParameter, OverflowError):
        raise click.BadParameter(
            f"{text!r} is no time; write 2026-01-31T12:00, or 90s, 15m, 2h, 7d for how long ago"
        ) from None


def parse_moment(text: str) -> datetime:
    """Read ISO 8601, in UTC unless it says otherwise, or a duration as how long ago."""
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return ago(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
