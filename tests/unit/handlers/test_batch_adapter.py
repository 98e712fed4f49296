from __future__ import annotations

from collections.abc import Callable

import pytest

from outbox.handlers.batch import Batch
from outbox.handlers.call import BatchAdapter, BatchHandler
from outbox.handlers.outcome import Failed, Outcome
from outbox.values.results import HandlerResult, Reject, Retry, Success
from tests.unit.handlers.support import make_batch


def marking(acks: int, end: Callable[[], HandlerResult]) -> BatchHandler:
    def handler(batch: Batch) -> HandlerResult:
        for _ in range(acks):
            batch.next_msg()
            batch.ack()
        return end()

    return handler


def raise_(error: Exception) -> HandlerResult:
    raise error


@pytest.mark.parametrize("answer", [None, Success()])
def test_success_without_a_mark_finishes_the_whole_batch(answer: Success | None) -> None:
    assert BatchAdapter(lambda batch: answer)(make_batch(5)) == Outcome(5)


def test_success_after_taking_some_without_a_mark_finishes_the_whole_batch() -> None:
    def handler(batch: Batch) -> None:
        batch.next_chunk(2)

    assert BatchAdapter(handler)(make_batch(5)) == Outcome(5)


@pytest.mark.parametrize("acks", [1, 4, 5])
def test_success_with_marks_finishes_exactly_that_prefix(acks: int) -> None:
    assert BatchAdapter(marking(acks, Success))(make_batch(5)) == Outcome(acks)


def test_success_after_acknowledging_none_finishes_none() -> None:
    assert BatchAdapter(lambda batch: batch.ack_chunk(0))(make_batch(5)) == Outcome(0)


def test_an_exception_after_two_acks_keeps_the_prefix_and_names_the_third() -> None:
    handler = marking(2, lambda: raise_(ValueError("no")))
    failure = Failed("ValueError: no")
    assert BatchAdapter(handler)(make_batch(5)) == Outcome(2, (), failure)


@pytest.mark.parametrize(
    "end",
    [lambda: Retry("busy", delay=9, counts=False), lambda: raise_(Retry("busy", delay=9, counts=False))],
)
@pytest.mark.parametrize(("acks", "size", "attributed"), [(0, 5, False), (0, 1, True), (3, 5, True)])
def test_a_retry_is_attributed_if_there_are_marks_or_one_message(
    end: Callable[[], HandlerResult], acks: int, size: int, attributed: bool
) -> None:
    failure = Failed("busy", 9.0, counts=False)
    assert BatchAdapter(marking(acks, end))(make_batch(size)) == Outcome(acks, (), failure, attributed)


@pytest.mark.parametrize("end", [lambda: Reject("bad"), lambda: raise_(Reject("bad"))])
@pytest.mark.parametrize("acks", [0, 2])
def test_a_reject_dead_letters_the_unfinished_tail(end: Callable[[], HandlerResult], acks: int) -> None:
    tail = tuple((position, "bad") for position in range(acks, 4))
    assert BatchAdapter(marking(acks, end))(make_batch(4)) == Outcome(4, tail)


def test_rejects_within_the_batch_are_kept_whatever_comes_after() -> None:
    def handler(batch: Batch) -> HandlerResult:
        for message in batch:
            if message.seq == 4:
                return Retry("busy")
            if message.seq == 2:
                batch.reject("bad")
            else:
                batch.ack()
        return None

    failure = Failed("busy")
    assert BatchAdapter(handler)(make_batch(5)) == Outcome(3, ((1, "bad"),), failure)
    assert BatchAdapter(handler)(make_batch(3)) == Outcome(3, ((1, "bad"),))


def test_a_reject_of_the_tail_keeps_the_reasons_given_before() -> None:
    def handler(batch: Batch) -> HandlerResult:
        batch.next_msg()
        batch.reject("first")
        return Reject("rest")

    assert BatchAdapter(handler)(make_batch(3)) == Outcome(3, ((0, "first"), (1, "rest"), (2, "rest")))


def test_over_acknowledging_is_a_retry_that_keeps_what_was_right() -> None:
    def handler(batch: Batch) -> None:
        batch.next_chunk(2)
        batch.ack_chunk(2)
        batch.ack()

    outcome = BatchAdapter(handler)(make_batch(5))
    assert outcome.processed == 2
    assert outcome.failure is not None
    assert outcome.failure.reason.startswith("BatchError: cannot acknowledge 1 message: ")
