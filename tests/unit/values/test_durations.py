from __future__ import annotations

import math
from datetime import timedelta

import pytest

from outbox.errors import ConfigurationError
from outbox.values.durations import seconds, whole


@pytest.mark.parametrize(
    ("given", "expected"),
    [(0, 0.0), (2, 2.0), (0.5, 0.5), (timedelta(milliseconds=250), 0.25), (timedelta(days=1), 86_400.0)],
)
def test_numbers_and_timedeltas_become_float_seconds(given: float | timedelta, expected: float) -> None:
    result = seconds(given, option="delay")
    assert result == expected
    assert type(result) is float


@pytest.mark.parametrize(
    "given",
    [
        True,
        False,
        None,
        "1",
        math.nan,
        math.inf,
        -math.inf,
        -0.001,
        10**400,
        1e10,
        timedelta.max,
        -timedelta(1),
    ],
)
def test_what_is_no_possible_duration_is_refused_with_its_option_and_value(given: float) -> None:
    with pytest.raises(ConfigurationError) as caught:
        seconds(given, option="poll_interval")
    assert caught.value.option == "poll_interval"
    assert caught.value.value is given
    assert "poll_interval" in str(caught.value)


def test_a_duration_may_have_to_be_more_than_zero() -> None:
    assert seconds(0.001, option="lease", positive=True) == 0.001
    with pytest.raises(ConfigurationError, match="more than 0"):
        seconds(0, option="lease", positive=True)


def test_a_duration_may_have_a_least_and_a_greatest_value() -> None:
    assert seconds(1, option="interval", minimum=1, maximum=1) == 1.0
    with pytest.raises(ConfigurationError, match="at least 1 "):
        seconds(0.9, option="interval", minimum=1)
    with pytest.raises(ConfigurationError, match="at most 1"):
        seconds(1.1, option="interval", maximum=1)


@pytest.mark.parametrize("given", [True, 1.0, "1", None, 0, -1])
def test_a_count_is_a_whole_number_from_its_minimum_on(given: int) -> None:
    assert whole(1, option="n", minimum=1) == 1
    with pytest.raises(ConfigurationError, match="n is"):
        whole(given, option="n", minimum=1)


@pytest.mark.parametrize("given", [11, 2**70, 10**5_000], ids=["11", "2**70", "of five thousand digits"])
def test_a_whole_number_may_have_a_greatest_value_and_the_error_shows_what_it_can(given: int) -> None:
    assert whole(10, option="n", maximum=10) == 10
    with pytest.raises(ConfigurationError, match=r"n is .*at most 10"):
        whole(given, option="n", maximum=10)


def test_without_a_bound_of_its_own_a_number_fits_into_64_bits() -> None:
    assert whole(2**63 - 1, option="n") == 2**63 - 1
    with pytest.raises(ConfigurationError, match="at most 9223372036854775807"):
        whole(2**63, option="n")


def test_a_duration_above_zero_is_at_least_a_millisecond() -> None:
    with pytest.raises(ConfigurationError, match=r"1e-07.*at least 0.001"):
        seconds(1e-7, option="interval", positive=True)
