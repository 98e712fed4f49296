"""Messages that have had all their attempts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from outbox import Batch, HandlerResult, OutboxMessage, Retry
from outbox.facade import OutboxBuilder, QueueBuilder
from tests.acceptance.bench import Bench, Hands, Letter, Row
from tests.support import eventually

Declare = Callable[[QueueBuilder], OutboxBuilder]


def work_off(bench: Bench, hands: Hands) -> None:
    """Work until nothing is left, without resting after failures."""
    for _ in range(200):
        hands.work()
        bench.end_backoff()
        status = bench.producer.status().partitions[0]
        if not status.backlog + status.incoming:
            return
    raise AssertionError(f"still not done: {bench.row()}")


def declare(
    mode: str, handler: Callable[[OutboxMessage], HandlerResult], max_attempts: int | None
) -> Declare:
    """Declare a handler of single messages in either mode."""
    if mode == "leased":
        return lambda queue: queue.leased(handler, max_attempts=max_attempts)
    return lambda queue: queue.transactional(lambda _conn, msg: handler(msg), max_attempts=max_attempts)


def declare_batch(mode: str, handle: Callable[[list[OutboxMessage]], None], max_attempts: int) -> Declare:
    """Declare a handler of batches in either mode."""
    if mode == "leased":
        return lambda queue: queue.leased_batch(lambda batch: handle(list(batch)), max_attempts=max_attempts)
    return lambda queue: queue.transactional_batch(
        lambda _conn, msgs: handle(msgs), max_attempts=max_attempts
    )


modes = pytest.mark.parametrize("mode", ["leased", "transactional"])


@modes
def test_three_attempts_are_three_deliveries_then_a_dead_letter_and_the_successors_flow(
    bench: Bench, mode: str
) -> None:
    seen: list[tuple[int, int]] = []

    def handler(msg: OutboxMessage) -> None:
        seen.append((msg.seq, msg.attempts))
        if msg.json() == "bad":
            raise ValueError(f"bad for the {msg.attempts + 1}th time")

    hands = bench.by_hand(declare(mode, handler, 3))
    bench.send("a", "bad", "b", "c")
    work_off(bench, hands)
    assert seen == [(1, 0), (2, 0), (2, 1), (2, 2), (3, 0), (4, 0)]
    assert bench.dead() == [Letter(2, "ValueError: bad for the 3th time", 3)]
    assert bench.row() == Row(cursor=4, attempts=0, error=None, token=None, held=False)


@modes
def test_a_single_attempt_is_one_delivery(bench: Bench, mode: str) -> None:
    seen: list[tuple[int, int]] = []

    def handler(msg: OutboxMessage) -> Retry | None:
        seen.append((msg.seq, msg.attempts))
        return Retry("bad") if msg.seq % 2 else None

    hands = bench.by_hand(declare(mode, handler, 1))
    bench.send(*"abcd")
    work_off(bench, hands)
    assert seen == [(1, 0), (2, 0), (3, 0), (4, 0)]
    assert bench.dead() == [Letter(1, "bad", 1), Letter(3, "bad", 1)]


@modes
def test_without_a_limit_a_message_is_never_given_up(bench: Bench, mode: str) -> None:
    hands = bench.by_hand(declare(mode, lambda _msg: Retry("no"), None))
    bench.send("a")
    for _ in range(15):
        hands.work()
        bench.end_backoff()
    assert bench.row()[:2] == (0, 15)
    assert bench.dead() == []


def test_several_bad_messages_in_a_row_are_dead_lettered_in_order(bench: Bench) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> Retry:
        seen.append(msg.seq)
        return Retry("bad", delay=0)

    bench.on_threads(lambda queue: queue.leased(handler, max_attempts=2))
    bench.send(*"abc")
    eventually(lambda: bench.row().cursor == 3)
    assert seen == [1, 1, 2, 2, 3, 3]
    assert bench.dead() == [Letter(seq, "bad", 2) for seq in (1, 2, 3)]


@modes
def test_a_failure_that_does_not_count_never_dead_letters(bench: Bench, mode: str) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> Retry:
        seen.append(msg.attempts)
        return Retry("downstream is down", counts=False)

    hands = bench.by_hand(declare(mode, handler, 2))
    bench.send("a", "b")
    for _ in range(10):
        hands.work()
        assert bench.row()[:3] == (0, 0, "downstream is down")
        bench.end_backoff()
    assert seen == [0] * 10
    assert bench.dead() == []


@modes
def test_failures_that_do_not_count_leave_those_that_do_as_they_are(bench: Bench, mode: str) -> None:
    counts = [True, False, False, True, False, True]
    answers = iter(counts)
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> Retry:
        seen.append(msg.attempts)
        return Retry("no", counts=next(answers))

    hands = bench.by_hand(declare(mode, handler, 3))
    bench.send("a")
    work_off(bench, hands)
    assert seen == [0, 1, 1, 1, 2, 2]
    assert bench.dead() == [Letter(1, "no", 3)]


# Each number and each place once, and what is special about one attempt with several bad messages.
@modes
@pytest.mark.parametrize(
    ("max_attempts", "bad"), [(1, (3, 4, 9)), (2, (5,)), (3, (1,)), (5, (12,)), (3, (3, 4, 9))], ids=str
)
def test_a_batch_handler_without_marks_dead_letters_only_what_fails(
    bench: Bench, mode: str, max_attempts: int, bad: tuple[int, ...]
) -> None:
    finished: list[int] = []
    failures: dict[int, int] = dict.fromkeys(bad, 0)

    def handle(msgs: list[OutboxMessage]) -> None:
        for msg in msgs:
            if msg.seq in bad:
                failures[msg.seq] += 1
                raise ValueError("one of these is bad")
        finished.extend(msg.seq for msg in msgs)

    hands = bench.by_hand(declare_batch(mode, handle, max_attempts))
    bench.send(*range(12))
    work_off(bench, hands)
    assert finished == [seq for seq in range(1, 13) if seq not in bad]
    assert bench.dead() == [Letter(seq, "ValueError: one of these is bad", max_attempts) for seq in bad]
    # While it was in company nobody knew whose failure it was.
    assert all(count >= max_attempts for count in failures.values())


def test_a_failure_attributed_by_the_marks_is_dead_lettered_out_of_a_batch(bench: Bench) -> None:
    sizes: list[int] = []

    def handler(batch: Batch) -> None:
        sizes.append(len(batch))
        for msg in batch:
            if msg.seq == 2:
                raise ValueError("this one")
            batch.ack()

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler, max_attempts=2))
    bench.send(*"abc")
    work_off(bench, hands)
    assert bench.dead() == [Letter(2, "ValueError: this one", 2)]
    assert sizes[0] == 3
