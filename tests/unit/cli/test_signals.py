"""A signal may come at any moment."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from typing import Any

from outbox.cli.signals import StopSignals
from tests.support import Spawn

PATIENCE = 600
ENDED = 128 + signal.SIGTERM


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


def take_two_signals(second_at: int) -> None:
    """Let a second signal come at a certain instruction of the first one's handler; end with 0 if there is none."""
    instructions = 0

    def trace(frame: Any, event: str, _argument: Any) -> Any:
        nonlocal instructions
        if frame.f_code is not StopSignals._handle.__code__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            instructions += 1
            if instructions == second_at:
                signal.raise_signal(signal.SIGTERM)
        return trace

    # Python 3.12 traces instructions only if some frame wanted that before.
    sys._getframe().f_trace_opcodes = True
    with StopSignals():
        sys.settrace(trace)
        signal.raise_signal(signal.SIGTERM)
        sys.settrace(None)
    os._exit(0)


def interrupt_the_handler() -> None:
    """Try every instruction, each in a process of its own."""
    for instruction in itertools.count(1):
        child = os.fork()
        if not child:
            take_two_signals(instruction)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print("ended with", status)
        if status != ENDED:
            return


def test_a_second_signal_ends_it_at_whatever_instruction_of_the_first_ones_handler_it_comes(
    spawn: Spawn,
) -> None:
    *ends, last = spawn(interrupt_the_handler).succeed().splitlines()
    assert set(ends) == {f"ended with {ENDED}"}
    assert last == "ended with 0"


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
