"""What is left after a transactional turn follows at once, not at the next poll."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from outbox import HandlerResult, OutboxMessage, Retry, WorkerTuning
from outbox.workers import transactional
from tests.acceptance.bench import Bench, Hands


def consuming(bench: Bench, handler: Callable[[OutboxMessage], HandlerResult], **options: Any) -> Hands:
    return bench.by_hand(lambda queue: queue.transactional(lambda _conn, msg: handler(msg), **options))


def test_the_next_batch_follows_at_once(bench: Bench) -> None:
    seen: list[int] = []
    hands = consuming(bench, lambda msg: seen.append(msg.seq), tuning=WorkerTuning.processor().batch_size(2))
    bench.send(*"abcde")
    hands.work()
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("max_attempts", [None, 2, 5])
def test_those_behind_a_message_that_was_retried_follow_at_once(
    bench: Bench, max_attempts: int | None
) -> None:
    seen: list[tuple[int, int]] = []

    def handler(msg: OutboxMessage) -> Retry | None:
        seen.append((msg.seq, msg.attempts))
        return Retry("once") if msg.seq == 1 and msg.attempts == 0 else None

    hands = consuming(bench, handler, max_attempts=max_attempts)
    bench.send(*"abc")
    hands.work()
    bench.end_backoff()
    hands.work()
    assert seen == [(1, 0), (1, 1), (2, 0), (3, 0)]


def test_those_behind_a_dead_letter_follow_at_once(bench: Bench) -> None:
    seen: list[tuple[int, int]] = []

    def handler(msg: OutboxMessage) -> Retry | None:
        seen.append((msg.seq, msg.attempts))
        return Retry("never") if msg.seq == 1 else None

    hands = consuming(bench, handler, max_attempts=2)
    bench.send(*"abc")
    hands.work()
    bench.end_backoff()
    hands.work()
    assert seen == [(1, 0), (1, 1), (2, 0), (3, 0)]


def test_what_a_byte_budget_left_behind_follows_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactional, "MAX_BYTES", 1000)
    seen: list[int] = []
    hands = consuming(bench, lambda msg: seen.append(msg.seq))
    bench.send(*[bytes(400)] * 7)
    hands.work()
    assert seen == [1, 2, 3, 4, 5, 6, 7]
