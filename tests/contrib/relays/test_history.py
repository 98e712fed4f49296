import pytest

from tests.contrib.relays.history import steps_back


def test_a_repetition_is_counted_once() -> None:
    assert steps_back([1, 2, 3, 2, 3, 4]) == 1


@pytest.mark.parametrize("numbers", [[1, 3], [2], [1, 2, 3, 1, 3], [1, 2, 1, 4]])
def test_a_number_that_overtakes_is_found(numbers: list[int]) -> None:
    with pytest.raises(AssertionError):
        steps_back(numbers)
