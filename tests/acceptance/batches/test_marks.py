"""What a batch handler marks is what is finished."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from outbox import Batch, BatchError, HandlerResult, Reject, Retry, Success
from tests.acceptance.bench import Bench, Letter, Row, at_rest


def take(batch: Batch, count: int) -> list[int]:
    return [msg.seq for msg in batch.next_chunk(count)]


@pytest.mark.parametrize("answer", [None, Success()], ids=["None", "Success"])
@pytest.mark.parametrize("taken", [0, 2, 5])
def test_success_without_a_mark_finishes_the_whole_batch(
    bench: Bench, answer: HandlerResult, taken: int
) -> None:
    def handler(batch: Batch) -> HandlerResult:
        if taken:
            take(batch, taken)
        return answer

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler))
    bench.send(*"abcde")
    hands.turn()
    assert bench.row() == at_rest(5)


def test_success_with_marks_finishes_the_prefix_and_the_rest_follows_promptly_uncharged(bench: Bench) -> None:
    batches: list[list[tuple[int, int]]] = []

    def handler(batch: Batch) -> None:
        batches.append([(msg.seq, msg.attempts) for msg in batch.messages])
        take(batch, 2)
        batch.ack_chunk(min(2, len(batch)))

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler, max_attempts=2))
    bench.send(*"abcde")
    hands.work()
    assert bench.row() == at_rest(5)
    assert batches == [[(n, 0) for n in range(first, 6)] for first in (1, 3, 5)]
    assert bench.dead() == []


def test_a_handler_that_finishes_nothing_and_says_nothing_rests_as_after_a_failure(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased_batch(lambda batch: batch.ack_chunk(0)))
    bench.send("a")
    hands.work()
    row = bench.row()
    assert (row.cursor, row.attempts, row.token, row.held) == (0, 1, None, True)
    assert row.error == "the handler finished no message and gave no reason"


@pytest.mark.parametrize(
    "too_much",
    [
        pytest.param(lambda batch: batch.ack(), id="one more"),
        pytest.param(lambda batch: batch.ack_chunk(3), id="three more"),
        pytest.param(lambda batch: batch.ack_chunk(-1), id="a negative number"),
        pytest.param(lambda batch: batch.reject("nothing is taken"), id="a reject"),
    ],
)
def test_marking_more_than_was_taken_raises_and_finishes_nothing_beyond(
    bench: Bench, too_much: Callable[[Batch], None]
) -> None:
    errors: list[BatchError] = []

    def handler(batch: Batch) -> None:
        take(batch, 2)
        batch.ack_chunk(2)
        with pytest.raises(BatchError) as caught:
            too_much(batch)
        errors.append(caught.value)
        raise caught.value

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler))
    bench.send(*"abcde")
    hands.turn()
    assert bench.row() == Row(cursor=2, attempts=1, error=f"BatchError: {errors[0]}", token=None, held=True)
    assert bench.dead() == []


def test_a_swallowed_batch_error_has_marked_nothing_either(bench: Bench) -> None:
    def handler(batch: Batch) -> None:
        batch.next_msg()
        with pytest.raises(BatchError):
            batch.ack_chunk(2)
        batch.ack()

    tuned = bench.by_hand(lambda queue: queue.leased_batch(handler))
    bench.send(*"abc")
    tuned.turn()
    assert bench.row() == at_rest(1)


def test_single_messages_are_rejected_inside_a_batch(bench: Bench) -> None:
    def handler(batch: Batch) -> None:
        for msg in batch:
            batch.reject(f"no {msg.json()}") if msg.json() in "bd" else batch.ack()

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler))
    bench.send(*"abcde")
    hands.turn()
    assert bench.dead() == [Letter(2, "no b", 1), Letter(4, "no d", 1)]
    assert bench.row() == at_rest(5)


def test_a_reject_of_a_batch_handler_dead_letters_the_unfinished_tail(bench: Bench) -> None:
    def handler(batch: Batch) -> Reject:
        take(batch, 2)
        batch.ack_chunk(2)
        return Reject("the rest is no good")

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler))
    bench.send(*"abcd")
    hands.turn()
    assert bench.dead() == [Letter(3, "the rest is no good", 1), Letter(4, "the rest is no good", 1)]
    assert bench.row() == at_rest(4)


def test_a_raised_reject_without_marks_dead_letters_the_whole_batch(bench: Bench) -> None:
    def handler(_batch: Batch) -> None:
        raise Reject("all of it")

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler))
    bench.send(*"abc")
    hands.turn()
    assert bench.dead() == [Letter(seq, "all of it", 1) for seq in (1, 2, 3)]
    assert bench.row() == at_rest(3)


@pytest.mark.parametrize("how", ["exception", "raised retry", "returned retry", "nonsense"])
def test_a_failure_after_two_acks_keeps_the_two(
    bench: Bench, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    seen: list[list[tuple[int, int]]] = []

    def handler(batch: Batch) -> object:
        seen.append([(msg.seq, msg.attempts) for msg in batch.messages])
        if len(seen) > 1:
            return None
        take(batch, 3)
        batch.ack_chunk(2)
        if how == "exception":
            raise OSError("gone")
        if how == "raised retry":
            raise Retry("gone")
        return Retry("gone") if how == "returned retry" else 42

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler))  # type: ignore[arg-type]
    bench.send(*"abcd")
    with caplog.at_level(logging.CRITICAL, "outbox"):
        hands.turn()
    errors = {
        "exception": "OSError: gone",
        "nonsense": "handler returned a value of type int; what it did is done again at the next delivery, "
        "so return None, Success, Retry or Reject",
    }
    assert bench.row() == Row(cursor=2, attempts=1, error=errors.get(how, "gone"), token=None, held=True)
    bench.end_backoff()
    hands.work()
    assert seen[:2] == [[(1, 0), (2, 0), (3, 0), (4, 0)], [(3, 1), (4, 0)]]
    assert bench.row() == at_rest(4)


def test_rejects_before_a_failure_are_kept_too(bench: Bench) -> None:
    def handler(batch: Batch) -> None:
        batch.next_msg()
        batch.reject("bad")
        batch.next_msg()
        batch.ack()
        raise OSError("gone")

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler))
    bench.send(*"abc")
    hands.turn()
    assert bench.dead() == [Letter(1, "bad", 1)]
    assert bench.row() == Row(cursor=2, attempts=1, error="OSError: gone", token=None, held=True)
