from __future__ import annotations

import pytest

from outbox.runtime.linger import Linger


def stream(linger: Linger, rate: float, *, gap: float, seconds: float = 1.0, begin: float = 0.0) -> float:
    """Note passes every `gap` seconds that move `rate` messages a second, and return the time of the last."""
    now = begin
    for _ in range(round(seconds / gap)):
        now += gap
        linger.note(now, round(rate * gap))
    return now


def test_the_first_message_goes_at_once() -> None:
    assert Linger().delay(0.0) == 0.0


def test_a_single_message_does_not_make_the_next_one_wait() -> None:
    linger = Linger()
    linger.note(10.0, 1)
    assert linger.delay(10.0) == 0.0


def test_a_slow_trickle_never_waits() -> None:
    linger = Linger()
    now = stream(linger, 100.0, gap=0.01)
    assert linger.delay(now) == 0.0


def test_the_estimate_is_messages_a_second() -> None:
    linger = Linger()
    now = stream(linger, 1_000.0, gap=0.002)
    assert linger.rate(now) == pytest.approx(1_000.0, rel=0.02)


def test_the_gap_grows_with_the_rate_up_to_the_ceiling() -> None:
    gaps = []
    for rate in (250.0, 500.0, 1_000.0, 1_500.0, 2_500.0, 50_000.0):
        linger = Linger()
        gaps.append(linger.delay(stream(linger, rate, gap=0.004)))
    assert gaps == sorted(gaps)
    assert gaps[0] == pytest.approx(0.0025, abs=0.0005)
    assert gaps[2] == pytest.approx(0.01, abs=0.0005)
    assert gaps[-2:] == pytest.approx([0.02, 0.02])


def test_no_gap_is_larger_than_the_ceiling() -> None:
    for rate in (250.0, 1_000.0, 50_000.0):
        linger = Linger(ceiling=0.001)
        assert linger.delay(stream(linger, rate, gap=0.004)) == pytest.approx(0.001)


def test_the_gap_counts_from_the_end_of_the_last_pass() -> None:
    linger = Linger()
    now = stream(linger, 50_000.0, gap=0.004)
    assert linger.delay(now + 0.015) == pytest.approx(0.005)
    assert linger.delay(now + 0.02) == pytest.approx(0.0)
    assert linger.delay(now + 0.5) == 0.0


def test_after_a_quiet_spell_a_message_goes_at_once_again() -> None:
    linger = Linger()
    now = stream(linger, 5_000.0, gap=0.01) + 1.0
    assert linger.delay(now) == 0.0
    linger.note(now, 1)
    assert linger.delay(now) == 0.0


def test_a_backlog_is_never_waited_for() -> None:
    linger = Linger()
    now = stream(linger, 50_000.0, gap=0.01)
    linger.note(now, 500, backlog=True)
    assert linger.delay(now) == 0.0
    linger.note(now + 0.01, 500)
    assert linger.delay(now + 0.01) == pytest.approx(0.02)


def test_the_floor_is_the_least_gap_of_a_stream_and_nothing_to_a_quiet_one() -> None:
    linger = Linger(floor=0.1)
    linger.note(0.0, 1)
    assert linger.delay(0.0) == 0.0
    now = stream(linger, 50_000.0, gap=0.01)
    assert linger.delay(now) == pytest.approx(0.1)


def test_a_clock_that_stands_still_breaks_nothing() -> None:
    linger = Linger()
    for _ in range(10):
        linger.note(5.0, 100)
    assert linger.delay(5.0) == pytest.approx(0.02)
