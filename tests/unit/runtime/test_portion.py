"""Halving what a statement does until the server lets it end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from outbox.errors import StatementTimeout
from outbox.runtime.portion import GROW_AFTER, Portion


def server(most: int, asked: list[int]) -> Callable[[int], int]:
    def run(count: int) -> int:
        asked.append(count)
        if count > most:
            raise StatementTimeout("too slow")
        return count

    return run


def test_what_is_in_time_is_asked_for_once() -> None:
    asked: list[int] = []
    assert Portion().run(100, server(100, asked)) == (100, 100)
    assert asked == [100]


def test_after_a_time_out_half_is_asked_for_until_it_is_in_time() -> None:
    asked: list[int] = []
    portion = Portion()
    assert portion.run(100, server(30, asked)) == (25, 25)
    assert asked == [100, 50, 25]
    portion.run(100, server(30, asked))
    assert asked[3:] == [25]


def test_after_some_that_went_well_twice_as_much_is_tried_until_all_is() -> None:
    asked: list[int] = []
    portion = Portion()
    portion.run(100, server(30, asked))
    for _ in range(3 * GROW_AFTER):
        portion.run(100, server(100, asked))
    assert asked[-1] == 100


def test_one_that_is_too_slow_is_an_error() -> None:
    with pytest.raises(StatementTimeout):
        Portion().run(100, server(0, []))
