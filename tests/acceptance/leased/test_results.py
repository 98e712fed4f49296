"""What a leased handler answers, and what then stands in the tables."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from outbox import HandlerResult, OutboxMessage, Reject, Retry, Success
from tests.acceptance.bench import Bench, Letter, Row

Answer = Callable[[OutboxMessage], HandlerResult]


def returning(result: HandlerResult) -> Answer:
    return lambda _msg: result


def raising(error: BaseException) -> Answer:
    def handler(_msg: OutboxMessage) -> None:
        raise error

    return handler


@pytest.mark.parametrize("answer", [returning(None), returning(Success())], ids=["None", "Success"])
def test_success_moves_the_cursor_and_frees_the_partition(bench: Bench, answer: Answer) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(answer))
    bench.send("a", "b")
    hands.turn()
    assert bench.row() == Row(cursor=2, attempts=0, error=None, token=None, held=False)


def test_the_start_is_counted_and_the_lease_taken_before_the_handler_runs(bench: Bench) -> None:
    rows: list[Row] = []
    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: rows.append(bench.row())))
    bench.send("a")
    hands.turn()
    ((cursor, attempts, error, token, held),) = rows
    assert (cursor, attempts, error, held) == (0, 1, None, True)
    assert token


def test_every_lease_has_a_token_of_its_own(bench: Bench) -> None:
    tokens: set[str | None] = set()
    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: tokens.add(bench.row().token)))
    for _ in range(3):
        bench.send("a")
        hands.turn()
    assert len(tokens) == 3


@pytest.mark.parametrize(
    "answer", [returning(Retry("later")), raising(Retry("later"))], ids=["returned", "raised"]
)
def test_a_retry_keeps_the_cursor_and_counts_one_attempt(bench: Bench, answer: Answer) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(answer))
    bench.send("a", "b")
    hands.turn()
    assert bench.row() == Row(cursor=0, attempts=1, error="later", token=None, held=True)
    assert bench.dead() == []


def test_each_further_retry_counts_one_more_and_the_handler_sees_it(bench: Bench) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> Retry | None:
        seen.append(msg.attempts)
        return Retry("not yet") if msg.seq == 1 and msg.attempts < 3 else None

    hands = bench.by_hand(lambda queue: queue.leased(handler))
    bench.send("a", "b")
    for attempts in (1, 2, 3):
        hands.turn()
        assert bench.row().attempts == attempts
        bench.end_backoff()
    hands.turn()
    assert seen == [0, 1, 2, 3, 0]
    assert bench.row() == Row(cursor=2, attempts=0, error=None, token=None, held=False)


def test_a_retry_at_the_third_of_five_finishes_two_and_charges_the_third(bench: Bench) -> None:
    seen: list[tuple[int, int]] = []

    def handler(msg: OutboxMessage) -> Retry | None:
        seen.append((msg.seq, msg.attempts))
        return Retry("third") if msg.seq == 3 and msg.attempts == 0 else None

    hands = bench.by_hand(lambda queue: queue.leased(handler))
    bench.send(*"abcde")
    hands.turn()
    assert bench.row() == Row(cursor=2, attempts=1, error="third", token=None, held=True)
    bench.end_backoff()
    hands.turn()
    assert seen == [(1, 0), (2, 0), (3, 0), (3, 1), (4, 0), (5, 0)]
    assert bench.row() == Row(cursor=5, attempts=0, error=None, token=None, held=False)


@pytest.mark.parametrize(
    "answer", [returning(Reject("no")), raising(Reject("no"))], ids=["returned", "raised"]
)
def test_a_reject_at_the_third_of_five_dead_letters_it_alone(bench: Bench, answer: Answer) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> HandlerResult:
        seen.append(msg.seq)
        return answer(msg) if msg.seq == 3 else None

    hands = bench.by_hand(lambda queue: queue.leased(handler))
    bench.send(*"abcde")
    hands.turn()
    assert seen == [1, 2, 3, 4, 5]
    assert bench.dead() == [Letter(3, "no", 1)]
    assert bench.row() == Row(cursor=5, attempts=0, error=None, token=None, held=False)


def test_a_dead_letter_is_the_message_that_was_sent(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(returning(Reject("no"))))
    (message_id,) = bench.send(b"\0\xff")
    hands.turn()
    ((found_id, payload, payload_type),) = bench.database.query(
        "SELECT message_id, payload, payload_type FROM outbox_dead_letters"
    )
    assert (found_id, bytes(payload)) == (message_id, b"\0\xff")
    assert payload_type == "application/octet-stream"


def test_an_exception_is_a_retry_with_its_type_and_text(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(raising(ValueError("no such customer"))))
    bench.send("a")
    hands.turn()
    assert bench.row() == Row(0, 1, "ValueError: no such customer", token=None, held=True)


def test_even_a_system_exit_is_a_retry(bench: Bench) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(raising(SystemExit(3))))
    bench.send("a")
    hands.turn()
    assert bench.row() == Row(0, 1, "SystemExit: 3", token=None, held=True)


def test_a_reason_is_stored_without_nul_and_cut_at_2000_characters(bench: Bench) -> None:
    answers: list[HandlerResult] = [Retry("ä\0" + "ü" * 3000), Reject("☃\0" * 3000)]
    hands = bench.by_hand(lambda queue: queue.leased(lambda msg: answers[msg.attempts]))
    bench.send("a")
    hands.turn()
    error = bench.row().error
    assert error is not None
    assert (len(error), error[:2]) == (2000, "äü")
    bench.end_backoff()
    hands.turn()
    ((_, reason, attempts),) = bench.dead()
    assert (len(reason), set(reason) - {"…"}, attempts) == (2000, {"☃"}, 2)


def test_a_nonsense_answer_is_logged_with_its_type_and_retried(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    hands = bench.by_hand(lambda queue: queue.leased(returning({"status": "ok"})))  # type: ignore[arg-type]
    bench.send("a")
    with caplog.at_level(logging.ERROR, "outbox"):
        hands.turn()
    complaint = (
        "handler returned a value of type dict; what it did is done again at the next delivery, "
        "so return None, Success, Retry or Reject"
    )
    assert bench.row() == Row(0, 1, complaint, token=None, held=True)
    assert [complaint in record.getMessage() for record in caplog.records] == [True]


def test_the_reason_of_a_failure_goes_with_the_next_success(bench: Bench) -> None:
    answers = iter([Retry("once"), None])
    hands = bench.by_hand(lambda queue: queue.leased(lambda _msg: next(answers)))
    bench.send("a")
    hands.turn()
    bench.end_backoff()
    hands.turn()
    assert bench.row() == Row(1, 0, None, token=None, held=False)


def test_more_attempts_than_a_small_integer_holds_are_counted(bench: Bench) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> Retry:
        seen.append(msg.attempts)
        return Retry("still")

    hands = bench.by_hand(lambda queue: queue.leased(handler))
    bench.send("a")
    bench.database.execute("UPDATE outbox_processor SET attempts = 32767")
    for _ in range(3):
        hands.work()
        bench.end_backoff()
    assert seen == [32767, 32768, 32769]
    assert bench.row().attempts == 32770
