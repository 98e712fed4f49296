from __future__ import annotations

from outbox.runtime.deferrals import SLACK, Deferrals


def test_keys_come_out_when_due_and_earliest_first() -> None:
    deferrals = Deferrals()
    deferrals.put(1, 30.0)
    deferrals.put(2, 10.0)
    deferrals.put(3, 20.0)
    assert deferrals.next_due() == 10.0
    assert deferrals.pop_due(9.9) == []
    assert deferrals.pop_due(20.0) == [2, 3]
    assert deferrals.next_due() == 30.0


def test_a_cancelled_key_never_comes_out() -> None:
    deferrals = Deferrals()
    deferrals.put(1, 10.0)
    deferrals.put(2, 20.0)
    assert deferrals.cancel(1) is True
    assert deferrals.cancel(1) is False
    assert deferrals.next_due() == 20.0
    assert deferrals.pop_due(100.0) == [2]
    assert deferrals.next_due() is None


def test_a_key_put_again_is_due_at_its_new_time_only() -> None:
    deferrals = Deferrals()
    deferrals.put(1, 10.0)
    deferrals.put(1, 5.0)
    assert deferrals.pop_due(5.0) == [1]
    assert deferrals.pop_due(100.0) == []


def test_cancelling_and_putting_for_ever_does_not_grow_the_heap() -> None:
    deferrals = Deferrals()
    for round_number in range(10_000):
        deferrals.put(round_number % 8, 1_000_000.0 + round_number)
    assert len(deferrals._heap) <= 2 * 8 + SLACK + 1
    assert deferrals.pop_due(2_000_000.0) == [0, 1, 2, 3, 4, 5, 6, 7]
