from __future__ import annotations

import pytest

from outbox.runtime.directive import Idle, Proceed, Sleep
from outbox.runtime.pacing import Pace, Pacing, Wait

MINUTE = 60.0

# Worked out by hand: the waits of ten rounds that each found work, in milliseconds.
TRACES = {
    "balanced sequencer": (
        Pacing(0.1, 0.5, 10 * MINUTE, 0.05),
        [500, 450, 400, 350, 300, 250, 200, 150, 100, 100],
    ),
    "balanced processor": (
        Pacing(0.1, 0.5, 10 * MINUTE, 0.05),
        [500, 450, 400, 350, 300, 250, 200, 150, 100, 100],
    ),
    "low latency sequencer": (
        Pacing(0.0, 0.001, 1 * MINUTE, 0.0),
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    ),
    "low latency processor": (
        Pacing(0.001, 0.002, 1 * MINUTE, 0.001),
        [2, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    ),
    "high throughput sequencer": (
        Pacing(0.01, 0.1, 10 * MINUTE, 0.01),
        [100, 90, 80, 70, 60, 50, 40, 30, 20, 10],
    ),
    "high throughput processor": (
        Pacing(0.001, 0.02, 10 * MINUTE, 0.002),
        [20, 18, 16, 14, 12, 10, 8, 6, 4, 2],
    ),
    "relaxed sequencer": (
        Pacing(0.1, 0.5, 10 * MINUTE, 0.1),
        [500, 400, 300, 200, 100, 100, 100, 100, 100, 100],
    ),
    "relaxed processor": (
        Pacing(0.1, 0.5, 10 * MINUTE, 0.05),
        [500, 450, 400, 350, 300, 250, 200, 150, 100, 100],
    ),
}

RAMPING = Pacing(min_interval=0.1, active_interval=0.5, idle_interval=600.0, ramp_step=0.15)


@pytest.mark.parametrize("profile", TRACES)
def test_a_profile_ramps_down_as_worked_out_by_hand(profile: str) -> None:
    pacing, trace = TRACES[profile]
    pace = Pace(pacing)
    assert pace.next(Idle()) == Wait(pacing.idle_interval, wakeable=True)
    waits = [pace.next(Proceed()) for _ in range(10)]
    assert [wait.seconds * 1000 for wait in waits] == pytest.approx(trace)
    assert not any(wait.wakeable for wait in waits)


def test_the_high_throughput_processor_ends_at_its_floor_not_at_zero() -> None:
    pace = Pace(TRACES["high throughput processor"][0])
    waits = [pace.next(Proceed()).seconds for _ in range(12)]
    assert waits[-2:] == [0.001, 0.001]


@pytest.mark.parametrize("quiet", [Idle(), Sleep(3.0)])
def test_a_quiet_round_resets_the_pace(quiet: Idle | Sleep) -> None:
    pace = Pace(RAMPING)
    assert [pace.next(Proceed()).seconds for _ in range(3)] == pytest.approx([0.5, 0.35, 0.2])
    pace.next(quiet)
    assert [pace.next(Proceed()).seconds for _ in range(4)] == pytest.approx([0.5, 0.35, 0.2, 0.1])


def test_a_sleep_lasts_as_long_as_it_says_and_can_be_cut_short() -> None:
    assert Pace(RAMPING).next(Sleep(3.0)) == Wait(3.0, wakeable=True)


@pytest.mark.parametrize("pause", [0.0, 7.0])
def test_a_given_pause_is_kept_and_leaves_the_pace_alone(pause: float) -> None:
    pace = Pace(RAMPING)
    assert pace.next(Proceed()).seconds == 0.5
    assert pace.next(Proceed(pause=pause)) == Wait(pause, wakeable=False)
    assert pace.next(Proceed()).seconds == pytest.approx(0.35)


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_directive_refuses_an_impossible_duration(seconds: float) -> None:
    with pytest.raises(ValueError, match="at least 0 seconds"):
        Sleep(seconds)
    with pytest.raises(ValueError, match="pause"):
        Proceed(pause=seconds)
