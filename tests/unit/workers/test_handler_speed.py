from __future__ import annotations

import math

import pytest

from outbox.workers.handler_speed import GROUP_SECONDS, LEASE_SHARE, MAX_GROUP, QUICK_SECONDS, HandlerSpeed


def known(seconds: float, messages: int = 1) -> HandlerSpeed:
    """Return the speed of a handler that has always taken so long for a batch."""
    speed = HandlerSpeed()
    for _ in range(40):
        speed.note(messages, seconds)
    return speed


def grown(speed: HandlerSpeed) -> int:
    """Return the group size when it has had time to grow."""
    return [speed.group_size() for _ in range(10)][-1]


def test_an_unknown_handler_gets_one_partition_at_a_time_and_whole_batches() -> None:
    speed = HandlerSpeed()
    assert [speed.group_size() for _ in range(3)] == [1, 1, 1]
    assert speed.quick_group() == 1
    assert speed.batch_limit(500, 28.0) == 500


def test_groups_of_a_quick_handler_double_up_to_the_maximum() -> None:
    speed = known(0.000_01)
    assert [speed.group_size() for _ in range(9)] == [2, 4, 8, 16, 32, 64, 128, 128, 128]
    assert MAX_GROUP == 128


@pytest.mark.parametrize("seconds", [0.001, 0.004, 0.02])
def test_a_groups_predicted_time_stays_within_its_bound(seconds: float) -> None:
    size = grown(known(seconds))
    assert size * seconds <= GROUP_SECONDS
    assert (size + 1) * seconds > GROUP_SECONDS * 0.9


def test_batches_of_many_messages_make_groups_smaller() -> None:
    assert grown(known(0.001 * 20, messages=20)) <= 3


def test_a_slow_handler_gets_one_partition_at_a_time() -> None:
    assert grown(known(2.0)) == 1


def test_a_handler_that_turns_slow_is_believed_at_once() -> None:
    speed = known(0.000_1)
    assert grown(speed) > 64
    speed.note(1, 1.0)
    assert speed.group_size() == 1
    assert speed.batch_limit(500, 28.0) == 14


def test_a_handler_that_turns_quick_is_believed_little_by_little() -> None:
    speed = known(1.0)
    speed.note(1, 0.000_01)
    assert speed.group_size() == 1
    for _ in range(80):
        speed.note(1, 0.000_01)
    assert grown(speed) == MAX_GROUP


def test_noise_below_what_is_worth_noticing_changes_little() -> None:
    speed = known(0.000_1)
    before = grown(speed)
    speed.note(1, QUICK_SECONDS * 0.8)
    assert speed.group_size() > 1
    assert before == MAX_GROUP


def test_one_thread_takes_what_it_works_off_quickly() -> None:
    assert known(QUICK_SECONDS / 10.5).quick_group() == 10
    assert known(QUICK_SECONDS * 2).quick_group() == 1


def test_batches_fit_well_inside_the_lease() -> None:
    assert known(1.0).batch_limit(500, 28.0) == 28 * LEASE_SHARE
    assert known(0.001).batch_limit(500, 28.0) == 500
    assert known(100.0).batch_limit(500, 28.0) == 1


def test_without_a_lease_batches_have_their_size() -> None:
    assert known(100.0).batch_limit(500, math.inf) == 500


def test_a_handler_that_takes_no_measurable_time_is_no_division_by_zero() -> None:
    speed = known(0.0)
    assert (speed.batch_limit(500, 28.0), grown(speed), speed.quick_group()) == (500, MAX_GROUP, MAX_GROUP)


def test_a_batch_of_nothing_teaches_nothing() -> None:
    speed = HandlerSpeed()
    speed.note(0, 10.0)
    assert speed.batch_limit(500, 28.0) == 500
