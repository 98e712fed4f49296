"""Numbers, durations and times as people type them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import click

from outbox.values.readable import parse_seconds


class WholeNumber(click.IntRange):
    """An integer within bounds; click would call it an integer range in its errors."""

    name = "whole number"


def parse_duration(text: str) -> float:
    """Read ``90``, ``1.5m``, ``2h`` or ``7d`` as seconds; raises `click.BadParameter`."""
    try:
        return parse_seconds(str(text))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


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
