"""SIGTERM and SIGINT: the first one asks, the second one ends."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self

STOPPING = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Catches both signals inside its ``with`` block; for the main thread."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._before: dict[signal.Signals, Any] = {}

    def wait(self, timeout: float) -> bool:
        """Block for at most ``timeout`` seconds; return whether a signal came."""
        return self._asked.wait(timeout)

    def __enter__(self) -> Self:
        for number in STOPPING:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._asked.is_set():
            # No clean-up: whatever hangs would hang it too. Leases end by themselves.
            os._exit(128 + number)
        self._asked.set()
