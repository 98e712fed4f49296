"""Durations and counts, as users give them: checked and brought to one unit."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TypeGuard

from outbox.errors import ConfigurationError
from outbox.values.bounds import LARGEST_ID, MOST_SECONDS, SHORTEST_WAIT


def seconds(
    value: object,
    *,
    option: str,
    minimum: float = 0.0,
    maximum: float = MOST_SECONDS,
    positive: bool = False,
) -> float:
    """Return a duration as float seconds.

    ``value`` is a number of seconds or a `timedelta`, from ``minimum`` to ``maximum``, and at least a
    millisecond if ``positive``. Raises `ConfigurationError` naming ``option`` and the value otherwise,
    for NaN, infinity and booleans too.
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
    if positive and result < SHORTEST_WAIT:
        problem = f"it must be more than 0 seconds, and at least {SHORTEST_WAIT:g}"
        raise ConfigurationError(option, value, problem)
    return result


def whole(value: object, *, option: str, minimum: int = 0, maximum: int = LARGEST_ID) -> int:
    """Return a plain int within the bounds, or raise `ConfigurationError`; a bool is refused."""
    if not is_whole(value):
        raise ConfigurationError(option, value, "give a whole number")
    if value < minimum:
        raise ConfigurationError(option, value, f"it must be at least {minimum}")
    if value > maximum:
        raise ConfigurationError(option, value, f"it must be at most {maximum}")
    return int(value)


def is_whole(value: object) -> TypeGuard[int]:
    """Tell whether a value is an int, and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
