from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from unittest.mock import Mock, create_autospec

import pytest

from outbox.errors import ConfigurationError
from outbox.handlers.signature import checked_handler


class Shipper:
    def __call__(self, msg: object) -> None:
        pass

    def ship(self, msg: object) -> None:
        pass

    async def ship_later(self, msg: object) -> None:
        pass

    def generate(self, msg: object) -> Iterator[object]:
        yield msg

    @classmethod
    def ship_any(cls, msg: object) -> None:
        pass

    @staticmethod
    def ship_all(msg: object) -> None:
        pass


class Generator:
    def __call__(self, msg: object) -> Iterator[object]:
        yield msg


class Later:
    async def __call__(self, msg: object) -> None:
        pass


async def later(msg: object) -> None:
    pass


async def generate_later(msg: object) -> AsyncIterator[object]:
    yield msg


def generate(msg: object, log: object = None) -> Iterator[object]:
    yield msg


def with_session(function: Callable[[object, object], object]) -> Callable[..., object]:
    @functools.wraps(function)
    def wrapper(*args: object) -> object:
        return function("session", *args)

    return wrapper


@with_session
def ship_in_session(session: object, msg: object) -> None:
    pass


def keyword_only(msg: object, *, log: object) -> None:
    pass


@pytest.mark.parametrize(
    "handler",
    [
        lambda msg: None,
        lambda *args: None,
        lambda msg, log=print: None,
        lambda msg, **options: None,
        functools.partial(lambda log, msg: None, print),
        functools.partial(keyword_only, log=print),
        functools.partial(functools.partial(lambda a, b, msg: None, 1), 2),
        Shipper(),
        Shipper().ship,
        Shipper.ship_any,
        Shipper.ship_all,
        print,
        [].append,
        ship_in_session,
        Mock(),
        create_autospec(Shipper().ship),
    ],
)
def test_what_can_be_called_with_one_argument_is_taken(handler: Callable[..., Any]) -> None:
    assert checked_handler(handler, "msg") is handler


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        (lambda: None, "does not fit"),
        (lambda a, b: None, "does not fit"),
        (keyword_only, "missing a required"),
        (functools.partial(lambda msg: None, print), "does not fit"),
        (Shipper.ship, "does not fit"),
        (Shipper, "it is a class"),
        (dict, "it is a class"),
        (later, "it is asynchronous"),
        (functools.partial(later), "it is asynchronous"),
        (Later(), "it is asynchronous"),
        (functools.partial(Later()), "it is asynchronous"),
        (Shipper().ship_later, "it is asynchronous"),
        (generate_later, "asynchronous generator"),
        (generate, "it is a generator"),
        (functools.partial(generate, log=print), "it is a generator"),
        (Generator(), "it is a generator"),
        (Shipper().generate, "it is a generator"),
        (None, "give a callable"),
        ("ship", "give a callable"),
    ],
)
def test_what_cannot_work_is_refused_with_the_handler_and_the_call(handler: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match="handler is ") as caught:
        checked_handler(handler, "msg")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.value is handler


def test_the_error_names_the_arguments() -> None:
    with pytest.raises(ConfigurationError, match=r"called as handler\(conn, msg\)"):
        checked_handler(lambda msg: None, "conn", "msg")
