"""A signal may come at any moment."""

from __future__ import annotations

import signal
import sys
import time
from typing import Any

from outbox.cli.signals import StopSignals
from tests.support import Spawn

PATIENCE = 600


def lines_of_a_wait(interrupted_at: int | None) -> int:
    """Wait a little, with a signal at a certain line of whatever runs; return how many lines that took."""
    lines = 0

    def trace(_frame: Any, event: str, _argument: Any) -> Any:
        nonlocal lines
        if event == "line":
            lines += 1
            if lines == interrupted_at:
                signal.raise_signal(signal.SIGTERM)
        return trace

    with StopSignals() as signals:
        sys.settrace(trace)
        signals.wait(0.01)
        sys.settrace(None)
        assert interrupted_at is None or signals.wait(PATIENCE)
    return lines


def interrupt_every_line() -> None:
    for line in range(1, lines_of_a_wait(None) + 1):
        lines_of_a_wait(line)
        print("line", line)


def wait_through_a_signal_of_somebody_elses() -> None:
    signal.signal(signal.SIGALRM, lambda *_: time.sleep(0.5))
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    with StopSignals() as signals:
        print("asked", signals.wait(0.3))


def test_a_wait_ends_in_time_although_another_signals_handler_outlasts_it(spawn: Spawn) -> None:
    assert spawn(wait_through_a_signal_of_somebody_elses).succeed() == "asked False"


def test_a_wait_ends_at_whatever_line_the_signal_comes(spawn: Spawn) -> None:
    child = spawn(interrupt_every_line)
    child.wait_for_line("line 1")
    child.succeed()
