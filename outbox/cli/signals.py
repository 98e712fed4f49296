"""SIGTERM and SIGINT: the first one asks, the second one ends."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

STOPPING = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Catches both signals inside its ``with`` block; for the main thread.

    ``last_words`` is called before a second signal ends the process; it must not wait for anything.
    """

    def __init__(self, last_words: Callable[[], object] = lambda: None) -> None:
        self._last_words = last_words
        # Counted in one step, because a signal may interrupt the handler of another one.
        self._earlier = itertools.count()
        # Not an Event: its lock may be held by the very code that the signal interrupts, in `wait`.
        self._barred = threading.Lock()
        self._barred.acquire()
        self._before: dict[signal.Signals, Any] = {}

    def wait(self, timeout: float) -> bool:
        """Block for at most ``timeout`` seconds; return whether a signal came."""
        came = self._barred.acquire(timeout=timeout)
        if came:
            self._barred.release()  # for the next wait
        return came

    def __enter__(self) -> Self:
        for number in STOPPING:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if next(self._earlier):
            # No clean-up: whatever hangs would hang it too. Leases end by themselves.
            with suppress(OSError):
                self._last_words()
            os._exit(128 + number)
        self._barred.release()
