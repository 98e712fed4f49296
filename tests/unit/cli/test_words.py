import click
import pytest

from outbox.cli.words import WholeNumber


def test_what_is_no_number_is_answered_with_a_number() -> None:
    with pytest.raises(click.BadParameter, match="'x' is not a valid whole number"):
        WholeNumber(min=1)("x")


def test_a_number_keeps_its_bounds() -> None:
    assert WholeNumber(min=1)("7") == 7
    with pytest.raises(click.BadParameter, match="range"):
        WholeNumber(min=1)("0")
