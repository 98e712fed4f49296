"""Wait for a fact."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(predicate: Callable[[], T | None], timeout: float = 10.0, *, what: str | None = None) -> T:
    """Call the predicate until it returns something true, and return that.

    An `AssertionError` of the predicate counts as "not yet", so it may contain asserts. After `timeout` seconds
    the test fails with the predicate's source (or `what`), its last value and its last error.
    """
    deadline = time.monotonic() + timeout
    pause = 0.001
    while True:
        value, error = _look(predicate)
        if value:
            return value
        if time.monotonic() >= deadline:
            last = f"its last error was {error!r}" if error else f"its last value was {value!r}"
            message = f"{what or _source(predicate)}: not true within {timeout:g} s; {last}"
            raise AssertionError(message) from error
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def _look(predicate: Callable[[], T | None]) -> tuple[T | None, AssertionError | None]:
    try:
        return predicate(), None
    except AssertionError as error:
        return None, error


def _source(predicate: Callable[[], object]) -> str:
    try:
        return " ".join(inspect.getsource(predicate).split())
    except (OSError, TypeError):
        return repr(predicate)
