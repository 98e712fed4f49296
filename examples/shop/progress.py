"""Show how far things are: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

WIDTH = 32
SECONDS_BETWEEN_LINES = 2.0


class Progress:
    """A bar that is drawn over itself. Draws nothing when ``quiet``; used by one thread."""

    def __init__(self, total: int, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._total = max(total, 1)
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._quiet = quiet
        self._started = self._drawn = time.monotonic()

    def show(self, taken: int, delivered: int) -> None:
        now = time.monotonic()
        if self._quiet or (not self._terminal and now - self._drawn < SECONDS_BETWEEN_LINES):
            return
        self._drawn = now
        self._write(self._text(taken, delivered, now))

    def finish(self, taken: int, delivered: int) -> None:
        """Draw the last state, and leave it."""
        if not self._quiet:
            self._write(self._text(taken, delivered, time.monotonic()))
            if self._terminal:
                self._stream.write("\n")

    def _text(self, taken: int, delivered: int, now: float) -> str:
        done = min(delivered / self._total, 1.0)
        full = int(done * WIDTH)
        bar = "█" * full + "░" * (WIDTH - full) if self._can_draw() else "#" * full + "." * (WIDTH - full)
        speed = delivered / max(now - self._started, 0.001)
        return (
            f"[{bar}] {done:4.0%}  {number(taken)} orders in, "
            f"{number(delivered)} of {number(self._total)} messages delivered, {number(int(speed))}/s"
        )

    def _write(self, text: str) -> None:
        if self._terminal:
            # A line that wraps could not be drawn over.
            self._stream.write("\r\x1b[2K" + text[: shutil.get_terminal_size().columns - 1])
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def _can_draw(self) -> bool:
        return (self._stream.encoding or "").lower().replace("-", "") == "utf8"


def number(value: int) -> str:
    return f"{value:,}".replace(",", " ")
