"""What makes a message the only one of its kind for a while, as producers say it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from outbox.errors import ConfigurationError
from outbox.values.durations import seconds
from outbox.values.keys import key_text

DedupWindow = float | timedelta
OnDuplicate = Literal["return", "raise"]

DAY = 86_400.0
"""Seconds. A request that is sent again after an outage, or by a schedule, comes within a day."""


def unique(
    dedup_key: str | bytes | None, dedup_window: object, on_duplicate: object
) -> tuple[str | None, int | None, bool]:
    """Return the key as text, the microseconds of its window, and whether a duplicate is an error.

    Raises `ConfigurationError` for an empty key, an empty window, and for what means nothing without a key.
    """
    if on_duplicate not in {"return", "raise"}:
        raise ConfigurationError("on_duplicate", on_duplicate, 'give "return" or "raise"')
    if dedup_key is None:
        if dedup_window is not None:
            raise ConfigurationError("dedup_window", dedup_window, "it needs a dedup_key")
        return None, None, False
    text = key_text(dedup_key, option="dedup_key")
    if not text:
        raise ConfigurationError("dedup_key", dedup_key, "give at least one character, or None")
    window = DAY if dedup_window is None else seconds(dedup_window, option="dedup_window", positive=True)
    return text, round(window * 1_000_000), on_duplicate == "raise"
