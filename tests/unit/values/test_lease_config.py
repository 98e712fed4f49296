from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest

from outbox.errors import ConfigurationError
from outbox.values.lease_config import LeaseConfig


def test_the_defaults_leave_28_of_30_seconds_to_the_handler() -> None:
    lease = LeaseConfig()
    assert (lease.duration, lease.headroom, lease.renewals) == (30.0, 2.0, 0)
    assert lease.handler_budget == 28.0


@pytest.mark.parametrize(
    ("duration", "headroom"), [(60, 2.0), (10, 2.0), (5, 1.0), (2, 0.4), (1, 0.2), (0.5, 0.1), (0.01, 0.002)]
)
def test_the_default_headroom_shrinks_with_a_short_lease(duration: float, headroom: float) -> None:
    assert LeaseConfig(duration).headroom == pytest.approx(headroom)


def test_durations_may_be_timedeltas_and_read_as_seconds() -> None:
    lease = LeaseConfig(duration=timedelta(minutes=1), headroom=timedelta(seconds=5), renewals=3)
    assert (lease.duration, lease.headroom, lease.renewals, lease.handler_budget) == (60.0, 5.0, 3, 55.0)


@pytest.mark.parametrize(("duration", "headroom"), [(5, 5), (5, 10), (2, 2.0)])
def test_headroom_must_be_less_than_the_duration(duration: float, headroom: float) -> None:
    with pytest.raises(ConfigurationError) as caught:
        LeaseConfig(duration=duration, headroom=headroom)
    assert (caught.value.option, caught.value.value) == ("headroom", headroom)


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"duration": 0}, "duration"),
        ({"duration": -1}, "duration"),
        ({"duration": True}, "duration"),
        ({"headroom": -0.1}, "headroom"),
        ({"renewals": -1}, "renewals"),
        ({"renewals": 1.5}, "renewals"),
    ],
)
def test_an_impossible_number_is_refused_by_name(options: dict[str, float], option: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        LeaseConfig(**options)  # type: ignore[arg-type]
    assert caught.value.option == option


def test_a_lease_config_is_a_frozen_value() -> None:
    assert LeaseConfig(60, 5) == LeaseConfig(60.0, 5.0)
    with pytest.raises(FrozenInstanceError):
        LeaseConfig().duration = 5.0  # type: ignore[misc]


@pytest.mark.parametrize("duration", [1e-7, 0.009, timedelta(microseconds=1)])
def test_a_lease_that_ends_before_its_acknowledgement_is_refused(duration: float | timedelta) -> None:
    with pytest.raises(ConfigurationError, match=r"duration is .*at least 0.01 seconds"):
        LeaseConfig(duration)


def test_renewals_have_a_greatest_number() -> None:
    with pytest.raises(ConfigurationError, match="renewals is 2147483648"):
        LeaseConfig(30, renewals=2**31)
