from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outbox.runtime.lanes import Lanes


def test_keys_of_one_group_come_in_order() -> None:
    lanes = Lanes()
    for key in (3, 1, 2):
        lanes.push(key)
    assert lanes.take(2) == [3, 1]
    assert lanes.take(2) == [2]
    assert lanes.take(2) == []


def test_the_group_with_the_oldest_head_goes_first_and_others_keep_their_place() -> None:
    lanes = Lanes(lambda key: key % 2)
    for key in (1, 2, 3, 4, 5):
        lanes.push(key)
    assert lanes.take(2) == [1, 3]
    assert lanes.take(2) == [2, 4]
    assert lanes.take(2) == [5]


def test_a_group_that_was_taken_from_waits_for_the_others() -> None:
    lanes = Lanes(lambda key: key // 100)
    for key in (100, 101, 102, 200, 103):
        lanes.push(key)
    assert lanes.take(2) == [100, 101]
    assert lanes.take(2) == [102, 103]  # 102 is older than 200
    lanes.push(104)
    assert lanes.take(2) == [200]


def test_a_key_may_come_back_in_another_group() -> None:
    alone: set[int] = set()
    lanes = Lanes(lambda key: ("alone", key) if key in alone else "together")
    for key in (1, 2, 3):
        lanes.push(key)
    assert lanes.take(10) == [1, 2, 3]
    alone.add(2)
    for key in (1, 2, 3):
        lanes.push(key)
    assert lanes.take(10) == [1, 3]
    assert lanes.take(10) == [2]


def test_nothing_is_taken_for_nothing() -> None:
    lanes = Lanes()
    lanes.push(1)
    assert lanes.take(0) == []
    assert list(lanes) == [1]


def test_clear_forgets_every_key() -> None:
    lanes = Lanes(lambda key: key)
    lanes.push(1)
    lanes.clear()
    assert (len(lanes), 1 in lanes, lanes.take(1)) == (0, False, [])
    lanes.push(1)
    assert lanes.take(1) == [1]


@given(
    st.lists(
        st.one_of(st.integers(0, 20).map(lambda k: ("push", k)), st.integers(0, 5).map(lambda n: ("take", n)))
    )
)
def test_lanes_agree_with_a_plain_list(steps: list[tuple[str, int]]) -> None:
    lanes = Lanes(lambda key: key % 3)
    model: list[int] = []
    for step, value in steps:
        if step == "push":
            if value not in model:
                assert value not in lanes
                lanes.push(value)
                model.append(value)
            continue
        expected = [key for key in model if key % 3 == model[0] % 3][:value] if model else []
        assert lanes.take(value) == expected
        model = [key for key in model if key not in expected]
    assert list(lanes) == model
    assert len(lanes) == len(model)
