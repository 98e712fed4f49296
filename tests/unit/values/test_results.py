from __future__ import annotations

import copy
import pickle
from datetime import timedelta

import pytest

from outbox.errors import ConfigurationError, OutboxError
from outbox.values.reasons import clean_reason, describe
from outbox.values.results import Reject, Retry, Success


def test_results_are_values() -> None:
    assert Success() == Success()
    assert Retry("a", delay=1) == Retry("a", delay=timedelta(seconds=1))
    assert Reject("a") == Reject("a")
    different = {
        Success(),
        Retry("a"),
        Retry("b"),
        Retry("a", delay=1),
        Retry("a", counts=False),
        Reject("a"),
    }
    assert len(different) == 6
    assert repr(Retry("a", delay=2)) == "Retry('a', delay=2.0, counts=True)"
    assert repr(Reject("a")) == "Reject('a')"


@pytest.mark.parametrize("result", [Success(), Retry("a", delay=1, counts=False), Reject("a")])
def test_results_can_be_copied_and_sent_to_another_process(result: object) -> None:
    assert copy.copy(result) == result
    assert pickle.loads(pickle.dumps(result)) == result


@pytest.mark.parametrize("kind", [Retry, Reject])
def test_a_result_may_be_raised_and_is_no_error_of_the_library(kind: type[Retry | Reject]) -> None:
    with pytest.raises(kind, match="busy"):
        raise kind("busy")
    assert not issubclass(kind, OutboxError)


@pytest.mark.parametrize("delay", [-1, float("nan"), "soon", True])
def test_a_delay_that_is_none_is_refused(delay: float) -> None:
    with pytest.raises(ConfigurationError, match="delay"):
        Retry("a", delay=delay)


def test_a_reason_becomes_text_that_every_database_can_store() -> None:
    assert Reject(KeyError("x")).reason == "'x'"
    assert Retry(None).reason == "None"
    assert Retry("a\0b").reason == "ab"
    assert Retry("\ud800").reason == r"\ud800"
    assert Retry("é" * 3000).reason == "é" * 2000
    assert len(Retry("\ud800" * 3000).reason) == 2000


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_an_exception_is_described_by_its_type_and_text() -> None:
    assert describe(ValueError("no lines")) == "ValueError: no lines"
    assert describe(ValueError()) == "ValueError"
    assert describe(Mute()) == "Mute: <Mute without text>"
    assert len(describe(ValueError("x" * 5000))) == 2000
    assert clean_reason(Mute()) == "<Mute without text>"
