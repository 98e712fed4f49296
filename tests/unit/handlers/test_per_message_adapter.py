from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import pytest

from outbox.clock import Deadline
from outbox.handlers.call import PerMessageAdapter
from outbox.handlers.outcome import Failed, Outcome
from outbox.values.message import OutboxMessage
from outbox.values.results import HandlerResult, Reject, Retry
from tests.unit.handlers.support import HandClock, make_batch


def answering(
    answers: Mapping[int, HandlerResult], seen: list[int]
) -> Callable[[OutboxMessage], HandlerResult]:
    def handler(message: OutboxMessage) -> HandlerResult:
        seen.append(message.seq)
        return answers.get(message.seq)

    return handler


@pytest.mark.parametrize(
    ("answers", "calls", "outcome"),
    [
        ({}, 5, Outcome(5)),
        ({3: Retry("busy")}, 3, Outcome(2, (), Failed("busy"))),
        ({1: Retry("busy")}, 1, Outcome(0, (), Failed("busy"))),
        ({3: Reject("bad")}, 5, Outcome(5, ((2, "bad"),))),
        ({1: Reject("a"), 5: Reject("b")}, 5, Outcome(5, ((0, "a"), (4, "b")))),
        ({2: Reject("bad"), 4: Retry("busy")}, 4, Outcome(3, ((1, "bad"),), Failed("busy"))),
    ],
)
def test_a_retry_stops_after_the_prefix_and_a_reject_goes_on(
    answers: dict[int, HandlerResult], calls: int, outcome: Outcome
) -> None:
    seen: list[int] = []
    adapter = PerMessageAdapter(answering(answers, seen))
    assert adapter(make_batch(5)) == outcome
    assert seen == list(range(1, calls + 1))


def test_an_exception_is_a_retry_of_that_message() -> None:
    adapter = PerMessageAdapter(lambda message: message.json()["missing"])
    assert adapter(make_batch(2)) == Outcome(0, (), Failed("KeyError: 'missing'"))


def test_no_message_is_started_after_the_cancel_point() -> None:
    clock = HandClock()

    def handler(message: OutboxMessage) -> None:
        clock.now += 2.0

    batch = make_batch(5, deadline=Deadline.after(3.0, clock=clock))
    assert PerMessageAdapter(handler)(batch) == Outcome(2)


def test_a_batch_cancelled_before_its_first_message_finishes_nothing() -> None:
    seen: list[int] = []
    adapter = PerMessageAdapter(answering({}, seen))
    assert adapter(make_batch(5, stop=lambda: True)) == Outcome(0)
    assert seen == []


def test_no_message_is_started_after_a_stop() -> None:
    seen: list[int] = []
    batch = make_batch(5, stop=lambda: len(seen) == 3)
    assert PerMessageAdapter(answering({}, seen))(batch) == Outcome(3)


def test_threads_sharing_an_adapter_do_not_mix_their_counts() -> None:
    both_inside = threading.Barrier(2, timeout=10)

    def handler(message: OutboxMessage) -> HandlerResult:
        both_inside.wait()
        return Retry("busy") if message.seq == 3 else None

    adapter = PerMessageAdapter(handler)
    counts: dict[int, int] = {}

    def work(size: int) -> None:
        counts[size] = adapter(make_batch(size)).processed

    threads = [threading.Thread(target=work, args=(size,)) for size in (2, 3)]
    threads[0].start()
    threads[1].start()
    threads[0].join()
    both_inside.abort()
    threads[1].join()
    assert counts == {2: 2, 3: 2}
