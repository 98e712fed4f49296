from __future__ import annotations

import pytest

from outbox.runtime.error_backoff import ErrorBackoff


def test_delays_grow_by_doubling_and_stay_within_their_bounds() -> None:
    for _ in range(50):
        error_backoff = ErrorBackoff(0.1, 30.0)
        for n in range(1, 20):
            highest = min(0.05 + 0.05 * 2 ** (n - 1), 30.0)
            assert 0.05 <= error_backoff.failed() <= highest


def test_a_long_outage_reaches_about_the_cap_and_never_passes_it() -> None:
    error_backoff = ErrorBackoff(0.1, 30.0)
    delays = [error_backoff.failed() for _ in range(10_000)]
    assert max(delays) <= 30.0
    assert max(delays[100:]) > 29.0
    assert error_backoff.failures == 10_000


def test_workers_that_failed_together_do_not_come_back_together() -> None:
    assert len({ErrorBackoff(0.1, 30.0).failed() for _ in range(20)}) == 20


def test_a_success_begins_again_at_the_base() -> None:
    error_backoff = ErrorBackoff(0.1, 30.0)
    for _ in range(10):
        error_backoff.failed()
    error_backoff.succeeded()
    assert error_backoff.failures == 0
    assert error_backoff.failed() <= 0.1


def test_a_base_equal_to_the_cap_is_a_jittered_constant() -> None:
    error_backoff = ErrorBackoff(1.0, 1.0)
    assert all(0.5 <= error_backoff.failed() <= 1.0 for _ in range(100))


@pytest.mark.parametrize(("base", "cap"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0)])
def test_impossible_bounds_are_refused_with_their_values(base: float, cap: float) -> None:
    with pytest.raises(ValueError, match=f"base={base!r} cap={cap!r}"):
        ErrorBackoff(base, cap)
