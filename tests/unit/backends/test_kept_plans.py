from __future__ import annotations

import pytest

from outbox.backends.postgres.kept_plans import BESIDE_THE_PATH, DISTRUST, MANY, QUIET, SLOW, KeptPlans


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def plans(clock: Clock) -> KeptPlans:
    """In a stream of small runs of two statements."""
    plans = KeptPlans(clock)
    assert not plans.usable("sequence"), "of which nothing is known yet"
    for statement in ("sequence", "renew"):
        plans.ran(statement, 0.001)
        assert plans.usable(statement)
    return plans


def test_the_first_run_after_a_quiet_second_is_planned_for_itself(clock: Clock, plans: KeptPlans) -> None:
    clock.now += QUIET
    assert plans.usable("sequence")
    plans.ran("sequence", 0.001)
    clock.now += QUIET / 2
    assert plans.usable("sequence")
    assert not plans.usable("renew")


def test_after_many_messages_every_statement_is_planned_anew_for_a_minute(
    clock: Clock, plans: KeptPlans
) -> None:
    plans.handled(MANY - 1)
    assert plans.usable("renew")
    plans.handled(MANY)
    assert not plans.usable("renew")
    assert not plans.usable("sequence")
    clock.now += DISTRUST / 2
    plans.handled(MANY)
    clock.now += DISTRUST - 0.1
    plans.ran("renew", 0.001)
    assert not plans.usable("renew")
    clock.now += 0.1
    assert plans.usable("renew")


def test_a_statement_that_took_long_is_planned_anew_for_a_minute(clock: Clock, plans: KeptPlans) -> None:
    plans.ran("sequence", SLOW)
    assert plans.usable("sequence")
    plans.ran("sequence", SLOW + 0.01)
    assert not plans.usable("sequence")
    assert plans.usable("renew")
    clock.now += DISTRUST
    plans.ran("sequence", 0.001)
    assert plans.usable("sequence")


@pytest.mark.parametrize("statement", sorted(BESIDE_THE_PATH))
def test_what_no_message_waits_for_is_always_planned_for_itself(statement: str, plans: KeptPlans) -> None:
    plans.ran(statement, 0.001)
    assert not plans.usable(statement)
