from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from outbox.errors import ConfigurationError
from outbox.handlers.around import Delivery, Wrapper, checked_wrappers, of_message, surround
from outbox.handlers.call import BatchAdapter, PerMessageAdapter, call_handler
from outbox.handlers.outcome import Failed, Outcome
from outbox.values.results import Reject
from tests.unit.handlers.support import make_batch, make_message


def named(name: str, seen: list[str]) -> Wrapper:
    def wrapper(_delivery: Delivery, call_next: Callable[[], Any]) -> Any:
        seen.append(f"{name} in")
        answer = call_next()
        seen.append(f"{name} out")
        return answer

    return wrapper


def test_the_first_wrapper_is_outermost_and_the_answer_passes_through() -> None:
    seen: list[str] = []

    def handler(_msg: object) -> str:
        seen.append("handler")
        return "answer"

    wrapped = surround(handler, [named("a", seen), named("b", seen)], of_message)
    assert wrapped(make_message()) == "answer"
    assert seen == ["a in", "b in", "handler", "b out", "a out"]


def test_without_a_wrapper_the_handler_is_the_very_same() -> None:
    def handler(_msg: object) -> None:
        pass

    assert surround(handler, (), of_message) is handler
    assert PerMessageAdapter(handler).surrounded(()).handler is handler
    assert BatchAdapter(handler).surrounded(()).handler is handler


def test_a_wrapper_s_result_stands_in_for_the_handler_s() -> None:
    def refusing(_delivery: Delivery, _call_next: Callable[[], Any]) -> Reject:
        return Reject("not today")

    adapter = PerMessageAdapter(lambda _msg: None).surrounded([refusing])
    assert adapter(make_batch(2)) == Outcome(2, ((0, "not today"), (1, "not today")))


def test_a_wrapper_s_exception_is_the_handler_s() -> None:
    def failing(_delivery: Delivery, call_next: Callable[[], Any]) -> None:
        call_next()
        raise ValueError("no context")

    assert call_handler(surround(lambda _msg: None, [failing], of_message), make_message()) == Failed(
        "ValueError: no context"
    )


def test_a_wrapper_sees_the_handler_s_exception_and_may_turn_it_into_a_result() -> None:
    def forgiving(_delivery: Delivery, call_next: Callable[[], Any]) -> Any:
        try:
            return call_next()
        except ZeroDivisionError as error:
            return Reject(error)

    adapter = PerMessageAdapter(lambda _msg: 1 // 0).surrounded([forgiving])  # type: ignore[arg-type,return-value]
    assert adapter(make_batch(1)) == Outcome(1, ((0, "integer division or modulo by zero"),))


def test_single_messages_have_a_delivery_each_and_a_batch_has_one() -> None:
    deliveries: list[Delivery] = []

    def noting(delivery: Delivery, call_next: Callable[[], Any]) -> Any:
        deliveries.append(delivery)
        return call_next()

    PerMessageAdapter(lambda _msg: None).surrounded([noting])(make_batch(2))
    batch = make_batch(3)
    BatchAdapter(lambda _batch: None).surrounded([noting])(batch)
    assert [[msg.seq for msg in delivery.messages] for delivery in deliveries] == [[1], [2], [1, 2, 3]]
    assert [delivery.batch for delivery in deliveries] == [None, None, batch]
    assert {(delivery.queue, delivery.mode, delivery.conn) for delivery in deliveries} == {
        ("orders", "leased", None)
    }


@pytest.mark.parametrize("around", [3, "name", [3], lambda: None, lambda delivery: None])
def test_what_cannot_be_called_around_a_handler_is_refused_at_once(around: Any) -> None:
    with pytest.raises(ConfigurationError, match="around"):
        checked_wrappers(around)


def test_wrappers_are_given_as_one_as_several_or_not_at_all() -> None:
    one = named("a", [])
    assert [checked_wrappers(one), checked_wrappers([one, one]), checked_wrappers(None)] == [
        (one,),
        (one, one),
        (),
    ]
