from __future__ import annotations

import pytest

from outbox.backends.waiting import GRACE, SLICE, Waiting


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def wait(waiting: Waiting, clock: Clock, seconds: float, stop_at: float | None = None) -> float:
    """Return for how long a wait lasts in which every part is waited for in vain."""
    began = clock.now
    waiting.stopping = lambda: stop_at is not None and clock.now >= began + stop_at
    for part in waiting.slices(seconds):
        assert 0.0 <= part <= SLICE
        clock.now += part
    return clock.now - began


@pytest.mark.parametrize("seconds", [0.0, 0.2, 0.5, 8.0])
def test_a_wait_lasts_as_long_as_it_should_in_short_parts(seconds: float) -> None:
    clock = Clock()
    assert wait(Waiting(clock=clock), clock, seconds) == pytest.approx(seconds)


@pytest.mark.parametrize(("stop_at", "lasts"), [(0.0, GRACE), (2.0, 2.0 + GRACE), (28.0, 30.0)])
def test_after_a_stop_a_wait_has_a_little_time_left(stop_at: float, lasts: float) -> None:
    clock = Clock()
    assert wait(Waiting(clock=clock), clock, 30.0, stop_at) == pytest.approx(lasts, abs=SLICE)


def test_what_took_long_is_not_tried_again_once_the_workers_are_to_stop() -> None:
    clock = Clock()
    waiting = Waiting(clock=clock)
    assert not waiting.over(clock.now - 100.0)
    waiting.stopping = lambda: True
    assert not waiting.over(clock.now - GRACE)
    assert waiting.over(clock.now - GRACE - 0.1)
