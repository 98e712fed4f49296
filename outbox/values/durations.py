"""Durations and counts, as users give them: checked and brought to one unit."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TypeGuard

from outbox.errors import ConfigurationError

LONGEST = 1e9
"""About 31 years. Beyond it thread waits and the databases' date arithmetic overflow."""


def seconds(
    value: object,
    *,
    option: str,
    minimum: float = 0.0,
    maximum: float = LONGEST,
    positive: bool = False,
) -> float:
    """Return a duration as float seconds.

    ``value`` is a number of seconds or a `timedelta`, from ``minimum`` to ``maximum``, and not zero
    if ``positive``. Raises `ConfigurationError` naming ``option`` and the value otherwise, for NaN,
    infinity and booleans too.
    """
    if isinstance(value, timedelta):
        result = value.total_seconds()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        result = _as_float(value)
    else:
        raise ConfigurationError(option, value, "give seconds as a number, or a timedelta")
    if not math.isfinite(result) or result > maximum:
        raise ConfigurationError(option, value, f"it must be a finite number of seconds, at most {maximum:g}")
    if result < minimum:
        raise ConfigurationError(option, value, f"it must be at least {minimum:g} seconds")
    if positive and result == 0.0:
        raise ConfigurationError(option, value, "it must be more than 0 seconds")
    return result


def whole(value: object, *, option: str, minimum: int = 0) -> int:
    """Return a plain int of at least ``minimum``, or raise `ConfigurationError`; a bool is refused."""
    if not is_whole(value):
        raise ConfigurationError(option, value, "give a whole number")
    if value < minimum:
        raise ConfigurationError(option, value, f"it must be at least {minimum}")
    return int(value)


def is_whole(value: object) -> TypeGuard[int]:
    """Tell whether a value is an int, and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
