from __future__ import annotations

import math
import time
from functools import partial

from outbox.clock import Deadline, monotonic
from tests.unit.handlers.support import HandClock


def test_the_remaining_time_falls_and_never_goes_below_zero() -> None:
    clock = HandClock()
    deadline = Deadline.after(5.0, clock=clock)
    seen = []
    for _ in range(4):
        seen.append((deadline.remaining(), deadline.passed))
        clock.now += 2.5
    assert seen == [(5.0, False), (2.5, False), (0.0, True), (0.0, True)]


def test_a_deadline_moves_later_but_never_earlier() -> None:
    clock = HandClock()
    deadline = Deadline.after(5.0, clock=clock)
    deadline.extend_to(clock.now + 1.0)
    assert deadline.remaining() == 5.0
    deadline.extend_to(clock.now + 9.0)
    assert deadline.remaining() == 9.0


def test_never_never_passes_and_cannot_be_made_to() -> None:
    never = Deadline.never()
    never.extend_to(0.0)
    assert never.remaining() == math.inf
    assert not never.passed


def test_the_clock_goes_on_while_the_host_is_suspended() -> None:
    # A lease runs out meanwhile, by the clock of the database.
    apart = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) - monotonic()
    assert abs(apart) < 5
    assert isinstance(monotonic, partial)
    assert monotonic.args == (getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC),)
