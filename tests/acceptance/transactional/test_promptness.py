"""What is left after a transactional turn follows at once, not at the next poll."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from outbox import OutboxHandle, OutboxMessage, Retry, WorkerTuning
from outbox.workers import transactional
from tests.acceptance.bench import Bench
from tests.support import eventually


def send(handle: OutboxHandle, *payloads: object) -> None:
    with handle.outbox.transaction() as conn:
        for body in payloads:
            handle.outbox.enqueue(conn, "orders", body, partition=0)


@pytest.fixture
def start(bench: Bench) -> Callable[..., OutboxHandle]:
    """Start workers that nothing but a signal wakes."""

    def start(handler: Callable[[OutboxMessage], object], **options: object) -> OutboxHandle:
        return bench.on_threads(
            lambda queue: queue.transactional(lambda _conn, msg: handler(msg), **options), poll_interval=60
        )

    return start


def test_the_next_batch_follows_at_once(start: Callable[..., OutboxHandle]) -> None:
    seen: list[int] = []
    tuning = WorkerTuning.processor_low_latency().batch_size(2)
    send(start(lambda msg: seen.append(msg.seq), tuning=tuning), *"abcde")
    eventually(lambda: seen == [1, 2, 3, 4, 5], 5)


@pytest.mark.parametrize("max_attempts", [None, 2, 5])
def test_those_behind_a_message_that_was_retried_follow_at_once(
    start: Callable[..., OutboxHandle], max_attempts: int | None
) -> None:
    seen: list[tuple[int, int]] = []

    def handler(msg: OutboxMessage) -> Retry | None:
        seen.append((msg.seq, msg.attempts))
        return Retry("once", delay=0.01) if msg.seq == 1 and msg.attempts == 0 else None

    send(start(handler, max_attempts=max_attempts), *"abc")
    eventually(lambda: seen == [(1, 0), (1, 1), (2, 0), (3, 0)], 5)


def test_those_behind_a_dead_letter_follow_at_once(start: Callable[..., OutboxHandle]) -> None:
    seen: list[tuple[int, int]] = []

    def handler(msg: OutboxMessage) -> Retry | None:
        seen.append((msg.seq, msg.attempts))
        return Retry("never", delay=0.01) if msg.seq == 1 else None

    send(start(handler, max_attempts=2), *"abc")
    eventually(lambda: seen == [(1, 0), (1, 1), (2, 0), (3, 0)], 5)


def test_what_a_byte_budget_left_behind_follows_at_once(
    start: Callable[..., OutboxHandle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactional, "MAX_BYTES", 1000)
    seen: list[int] = []
    send(start(lambda msg: seen.append(msg.seq)), *[bytes(400)] * 7)
    eventually(lambda: seen == [1, 2, 3, 4, 5, 6, 7], 5)
