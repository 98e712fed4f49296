"""What a handler may answer: Success, Retry or Reject."""

from __future__ import annotations

from datetime import timedelta

from outbox.values.durations import seconds
from outbox.values.reasons import clean_reason


class Success:
    """Say that the message or batch is done; returning None says the same."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Success)

    def __hash__(self) -> int:
        return hash(Success)

    def __repr__(self) -> str:
        return "Success()"


class Retry(Exception):
    """Ask for the message to be delivered again, after a delay. Return it or raise it.

    ``reason`` is kept as text: at most 2 000 characters, without NUL. ``delay`` replaces the
    exponential backoff, in seconds or as a `timedelta`. ``counts=False`` ("downstream is down") keeps
    this failure from counting towards ``max_attempts``. Raises `ConfigurationError` for a bad delay.
    """

    def __init__(
        self, reason: object, *, delay: float | timedelta | None = None, counts: bool = True
    ) -> None:
        self.reason = clean_reason(reason)
        self.delay = None if delay is None else seconds(delay, option="delay")
        self.counts = bool(counts)
        super().__init__(self.reason)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Retry):
            return NotImplemented
        return (self.reason, self.delay, self.counts) == (other.reason, other.delay, other.counts)

    def __hash__(self) -> int:
        return hash((Retry, self.reason, self.delay, self.counts))

    def __repr__(self) -> str:
        return f"Retry({self.reason!r}, delay={self.delay!r}, counts={self.counts!r})"


class Reject(Exception):
    """Send the message to the dead letters: no delivery will ever succeed. Return it or raise it.

    ``reason`` is kept as text: at most 2 000 characters, without NUL.
    """

    def __init__(self, reason: object) -> None:
        self.reason = clean_reason(reason)
        super().__init__(self.reason)

    def __eq__(self, other: object) -> bool:
        return self.reason == other.reason if isinstance(other, Reject) else NotImplemented

    def __hash__(self) -> int:
        return hash((Reject, self.reason))

    def __repr__(self) -> str:
        return f"Reject({self.reason!r})"


HandlerResult = Success | Retry | Reject | None
"""What a handler may return."""
