"""What a user writes; every line satisfies the strict type checkers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from outbox import (
    Batch,
    DeadLetter,
    Delivered,
    Delivery,
    Event,
    HandlerResult,
    LeaseConfig,
    Outbox,
    OutboxHandle,
    OutboxMessage,
    Reject,
    Retry,
    Success,
    WorkerTuning,
)


def ship(msg: OutboxMessage) -> None:
    print(msg.seq, msg.payload, msg.json()["item"])


def charge(msg: OutboxMessage) -> HandlerResult:
    if msg.attempts > 3:
        return Reject("too many attempts")
    return Retry("later", delay=timedelta(seconds=5), counts=False) if msg.seq else Success()


def bill(msg: OutboxMessage) -> Retry | None:
    return Retry("later", delay=1.5) if msg.headers else None


def export(batch: Batch) -> None:
    for msg in batch.messages:
        print(msg.queue)
    batch.ack()


def write(conn: Any, msg: OutboxMessage) -> None:
    conn.execute("INSERT INTO effects VALUES (?)", (msg.seq,))


def write_all(conn: Any, messages: list[OutboxMessage]) -> HandlerResult:
    conn.executemany("INSERT INTO effects VALUES (?)", [(msg.seq,) for msg in messages])
    return None


def traced(delivery: Delivery, call_next: Callable[[], HandlerResult]) -> HandlerResult:
    print(delivery.queue, delivery.mode, delivery.messages[0].stopping)
    return call_next()


def closed(delivery: Delivery, call_next: Callable[[], HandlerResult]) -> Reject:
    return Reject(f"{delivery.attempts} attempts, {call_next}")


def count(event: Event) -> None:
    if isinstance(event, Delivered):
        print(event.queue, event.outcome, event.seconds, event.waited)


class Shop:
    def deliver(self, msg: OutboxMessage) -> None:
        print(self, msg)


def start(url: str) -> OutboxHandle:
    return (
        Outbox.builder(url)
        .processors(2)
        .processor_tuning(WorkerTuning.processor().batch_size(50))
        .queue("orders", 8)
        .leased(ship, lease=LeaseConfig(timedelta(seconds=30), renewals=2), max_attempts=5)
        .queue("payments", 4)
        .leased(charge)
        .queue("bills", 4)
        .leased(bill)
        .queue("exports", 1)
        .leased_batch(export)
        .queue("effects", 4)
        .transactional(write)
        .queue("effects-at-once", 4)
        .transactional_batch(write_all)
        .queue("shop", 4)
        .leased(Shop().deliver, around=[traced, closed])
        .around(traced)
        .observe(count)
        .queue("lambdas", 4)
        .leased(lambda msg: Reject(str(msg.id)))
        .start()
    )


def enqueue(url: str) -> list[int]:
    with Outbox.builder(url).queue("orders", 8).enqueue_only().open() as producer:
        with producer.transaction() as conn:
            first: int = producer.enqueue(conn, "orders", {"item": 1}, partition=3)
        return [first, producer.enqueue_now("orders", b"raw")]


def look(url: str) -> list[DeadLetter]:
    with start(url) as handle:
        print(handle.healthy(), handle.stats(), handle.outbox.status().partitions)
        return handle.outbox.dead_letters.list()
