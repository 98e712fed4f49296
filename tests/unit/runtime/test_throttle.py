from __future__ import annotations

from outbox.runtime.throttle import MOST_KEYS, Admission, Throttle
from tests.unit.runtime.support import FakeClock

NEW = Admission(new=True, held_back=0)


def test_the_first_line_of_each_trouble_is_admitted_at_once() -> None:
    throttle = Throttle(clock=FakeClock())
    assert [throttle.admit("a"), throttle.admit("b"), throttle.admit("a")] == [NEW, NEW, None]


def test_while_a_trouble_lasts_the_silence_doubles_up_to_the_longest() -> None:
    clock = FakeClock()
    throttle = Throttle(10, 40, clock=clock)
    admitted = []
    for second in range(200):
        if throttle.admit("down") is not None:
            admitted.append(second)
        clock.advance(1)
    assert admitted == [0, 10, 30, 70, 110, 150, 190]


def test_what_was_held_back_is_counted() -> None:
    clock = FakeClock()
    throttle = Throttle(10, clock=clock)
    for _ in range(8):
        throttle.admit("down")
    clock.advance(10)
    assert throttle.admit("down") == Admission(new=False, held_back=7)


def test_a_trouble_that_was_not_met_for_long_is_new() -> None:
    clock = FakeClock()
    throttle = Throttle(10, clock=clock)
    throttle.admit("down")
    clock.advance(21)
    assert throttle.admit("down") == NEW


def test_a_trouble_that_is_over_is_new_when_it_comes_again() -> None:
    throttle = Throttle(clock=FakeClock())
    throttle.admit("down")
    throttle.over("down")
    throttle.over("never heard of")
    assert throttle.admit("down") == NEW


def test_any_number_of_troubles_takes_bounded_memory() -> None:
    throttle = Throttle(clock=FakeClock())
    for number in range(2 * MOST_KEYS + 1):
        assert throttle.admit(number) == NEW
    assert len(throttle._troubles) <= MOST_KEYS
