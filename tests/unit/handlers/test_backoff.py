from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.workers.backoff import backoff, jittered


def test_the_delay_doubles_from_the_base_up_to_the_maximum() -> None:
    assert [backoff(failures, 1.0, 60.0) for failures in range(9)] == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_base_above_the_maximum_is_the_maximum() -> None:
    assert backoff(1, 5.0, 2.0) == 2.0


@pytest.mark.parametrize("failures", [1_024, 10_000, 2**31, 10**30])
def test_any_number_of_failures_is_just_the_maximum(failures: int) -> None:
    assert backoff(failures, 0.1, 30.0) == 30.0


@given(st.integers(1, 20_000), st.floats(1e-6, 1e6), st.floats(1e-6, 1e9))
def test_the_delay_never_falls_with_another_failure(failures: int, base: float, maximum: float) -> None:
    delay = backoff(failures, base, maximum)
    assert 0 < delay <= backoff(failures + 1, base, maximum) <= maximum


def test_jitter_keeps_between_four_fifths_and_the_whole_delay() -> None:
    assert jittered(10.0, lambda: 0.0) == 8.0
    assert jittered(10.0, lambda: 1.0) == 10.0
    random = Random(1)
    delays = [jittered(10.0, random.random) for _ in range(1000)]
    assert 8.0 <= min(delays) < 8.1
    assert 9.9 < max(delays) <= 10.0
