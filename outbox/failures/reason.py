"""Why a delivery failed, as a text that can be stored."""

from __future__ import annotations

from outbox.values.reasons import clean_reason, describe


def reason_of(error: object) -> str:
    """Return an exception as ``TypeName: text``, anything else as its text; at most 2 000 characters."""
    return describe(error) if isinstance(error, BaseException) else clean_reason(error)
