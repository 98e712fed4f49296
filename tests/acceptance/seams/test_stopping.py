"""A handler sees that a stop has begun."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import pytest

from outbox import Batch, OutboxMessage, QueueBuilder
from tests.acceptance.bench import Bench
from tests.support import eventually


@pytest.mark.parametrize("kind", ["leased", "leased_batch", "transactional", "transactional_batch"])
def test_a_handler_in_progress_sees_the_stop_and_ends_in_order(bench: Bench, kind: str) -> None:
    entered = threading.Event()
    seen: list[bool] = []

    def wait(msg: OutboxMessage) -> None:
        seen.append(msg.stopping)
        entered.set()
        eventually(lambda: msg.stopping)
        seen.append(msg.stopping)
        assert not pickle.loads(pickle.dumps(msg)).stopping

    def batch(batch: Batch) -> None:
        message = batch.next_msg()
        assert message is not None
        cancelled = [batch.cancelled]
        wait(message)
        assert [*cancelled, batch.cancelled] == [False, True]
        batch.ack()

    handlers: dict[str, Any] = {
        "leased": wait,
        "leased_batch": batch,
        "transactional": lambda _conn, msg: wait(msg),
        "transactional_batch": lambda _conn, msgs: wait(msgs[0]),
    }

    def declare(queue: QueueBuilder) -> Any:
        return getattr(queue, kind)(handlers[kind])

    handle = bench.on_threads(declare)
    bench.send("a")
    handle.outbox.flush()
    assert entered.wait(20)
    assert handle.stop(20)
    assert seen == [False, True]
    assert bench.row().cursor == 1
