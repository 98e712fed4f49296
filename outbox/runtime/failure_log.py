"""Log a worker's failures without flooding the log."""

from __future__ import annotations

import logging


class FailureLog:
    """Log the first failure of a kind with its traceback, then the 2nd, 4th, 8th …, and the recovery.

    A kind is the exception's class. Not thread-safe; one worker owns it.
    """

    __slots__ = ("_kind", "_logger", "_name")

    def __init__(self, logger: logging.Logger, name: str) -> None:
        self._logger = logger
        self._name = name
        self._kind: type[BaseException] | None = None

    def failed(self, error: BaseException, failures: int, delay: float) -> None:
        """Report the latest of `failures` failures in a row; the worker tries again in `delay` seconds."""
        new = type(error) is not self._kind
        self._kind = type(error)
        # A power of two has one bit set: an outage of a week is some twenty lines.
        if new or failures & (failures - 1) == 0:
            self._logger.error(
                "%s failed (%d in a row), trying again in %.1f s: %s",
                self._name,
                failures,
                delay,
                describe(error),
                exc_info=error if new else None,
                extra={"worker": self._name, "failures": failures, "retry_in": delay},
            )

    def recovered(self, failures: int) -> None:
        """Report that a round succeeded after `failures` failures in a row."""
        self._kind = None
        self._logger.info(
            "%s recovered after %d failures",
            self._name,
            failures,
            extra={"worker": self._name, "failures": failures},
        )


def describe(error: BaseException) -> str:
    """Return `TypeName: text` on one line, at most 500 characters."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # an exception's own __str__ is user code
        text = "(no text)"
    return f"{type(error).__name__}: {text}"[:500]
