"""Wrappers around handlers, of the builder and of a queue, in each way of delivering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from outbox import Batch, Delivery, Outbox, OutboxMessage, QueueBuilder, Reject
from outbox.testing import drain
from tests.acceptance.bench import QUEUE, Bench

KINDS = ["leased", "leased_batch", "transactional", "transactional_batch"]


def declare(queue: QueueBuilder, kind: str, seen: list[str], **options: Any) -> Any:
    """Declare a handler that notes that it ran."""

    def note(*_args: object) -> None:
        seen.append("handler")

    return getattr(queue, kind)(note, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_wrappers_of_the_builder_are_outside_those_of_the_queue(bench: Bench, kind: str) -> None:
    seen: list[str] = []
    deliveries: list[Delivery] = []

    def outer(delivery: Delivery, call_next: Callable[[], Any]) -> Any:
        seen.append("outer")
        deliveries.append(delivery)
        return call_next()

    def inner(_delivery: Delivery, call_next: Callable[[], Any]) -> Any:
        seen.append("inner")
        return call_next()

    hands = bench.by_hand(lambda queue: declare(queue, kind, seen, around=inner), around=outer)
    bench.send("a", "b")
    hands.work()
    batched = kind.endswith("batch")
    assert seen == ["outer", "inner", "handler"] * (1 if batched else 2)
    assert [[msg.seq for msg in delivery.messages] for delivery in deliveries] == (
        [[1, 2]] if batched else [[1], [2]]
    )
    for delivery in deliveries:
        assert (delivery.queue, delivery.mode, delivery.attempts) == (QUEUE, kind.split("_", 1)[0], 0)
        assert (delivery.conn is not None) == (delivery.mode == "transactional")
        assert isinstance(delivery.batch, Batch) == (kind == "leased_batch")
    assert bench.row().cursor == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrapper_may_answer_in_the_handler_s_place(bench: Bench, kind: str) -> None:
    seen: list[str] = []
    hands = bench.by_hand(
        lambda queue: declare(queue, kind, seen, around=lambda _delivery, _call_next: Reject("closed"))
    )
    bench.send("a", "b")
    hands.work()
    assert seen == []
    assert [(letter.seq, letter.reason) for letter in bench.dead()] == [(1, "closed"), (2, "closed")]


def test_what_a_wrapper_raises_is_the_handler_s_failure_and_undoes_its_writes(bench: Bench) -> None:
    bench.database.execute("CREATE TABLE effects (seq INTEGER)")

    def handler(conn: Any, msg: OutboxMessage) -> None:
        cursor = conn.cursor()
        cursor.execute(f"INSERT INTO effects VALUES ({msg.seq})")
        cursor.close()

    def failing(delivery: Delivery, call_next: Callable[[], Any]) -> Any:
        answer = call_next()
        if delivery.messages[0].seq == 2:
            raise ValueError("no span")
        return answer

    hands = bench.by_hand(lambda queue: queue.transactional(handler, around=[failing]))
    bench.send("a", "b")
    hands.work()
    row = bench.row()
    assert (row.cursor, row.attempts, row.error) == (1, 1, "ValueError: no span")
    assert bench.database.query("SELECT seq FROM effects") == [(1,)]


def test_a_drain_runs_the_wrappers_too(bench: Bench) -> None:
    queues: list[str] = []

    def noting(delivery: Delivery, call_next: Callable[[], Any]) -> Any:
        queues.append(delivery.queue)
        return call_next()

    bench.send("a")
    builder = Outbox.builder(bench.database.url).queue(QUEUE, 4).leased(lambda _msg: None).around(noting)
    assert drain(builder).processed == 1
    assert queues == [QUEUE]
