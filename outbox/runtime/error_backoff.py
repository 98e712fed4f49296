"""The error backoff of one worker."""

from __future__ import annotations

from typing import Final

from tenacity import RetryCallState, Retrying, wait_fixed, wait_random_exponential

EXPONENT_CAP: Final = 64
"""Where doubling ends: further on it only makes larger integers, and an outage may last a month."""


class ErrorBackoff:
    """Count consecutive failures and say how long to stay away after each.

    The n-th failure in a row gives base / 2 plus a random part of base / 2 * 2^(n-1), together at most
    `cap`: never at once, and workers that failed together do not come back together. Seconds
    throughout, and `base` at most `cap`. One worker calls `failed` and `succeeded`; any thread may read
    `failures`.
    """

    __slots__ = ("_failures", "_state", "_wait")

    def __init__(self, base: float, cap: float) -> None:
        if not 0 < base <= cap:
            raise ValueError(f"base must be above 0 and at most the cap, got base={base!r} cap={cap!r}")
        half = base / 2
        self._wait = wait_fixed(half) + wait_random_exponential(multiplier=half, max=cap - half)
        self._state = RetryCallState(Retrying(), None, (), {})
        self._failures = 0

    @property
    def failures(self) -> int:
        """How many rounds have failed since the last one that succeeded."""
        return self._failures

    def failed(self) -> float:
        """Count a failure and return the seconds to wait before the next try."""
        self._failures += 1
        self._state.attempt_number = min(self._failures, EXPONENT_CAP)
        return float(self._wait(self._state))

    def succeeded(self) -> None:
        """Forget the failures so far."""
        self._failures = 0
