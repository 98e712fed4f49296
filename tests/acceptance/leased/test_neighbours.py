"""A queue with slow handlers keeps no other queue of the process waiting."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from outbox import EnqueueMessage, Outbox, OutboxMessage
from tests.support import Database, eventually

BACKLOG = 200
SECONDS = 0.02
# Three times the calls of a turn's share: where there is one write lock, the message waits to be written, to be
# sequenced and to be handed over. And as many again for a machine that is slow to wake a thread.
FEW = 18


@pytest.mark.backends("sqlite", "postgresql")
@pytest.mark.parametrize("mode", ["leased", "transactional"])
def test_a_quick_queue_waits_for_a_few_calls_of_a_slow_one(migrated: Database, mode: str) -> None:
    slow_calls: list[int] = []
    between: list[int] = []
    handled = threading.Event()

    def slow(*args: Any) -> None:
        slow_calls.append(args[-1].seq)
        time.sleep(SECONDS)

    def quick(msg: OutboxMessage) -> None:
        between.append(len(slow_calls))
        handled.set()

    builder = Outbox.builder(migrated.url).processors(1)
    declared = builder.queue("slow", 2)
    builder = declared.leased(slow) if mode == "leased" else declared.transactional(slow)
    with builder.queue("quick", 1).leased(quick).start() as handle:
        box = handle.outbox
        with box.transaction() as conn:
            box.enqueue_batch(conn, "slow", [EnqueueMessage(n) for n in range(BACKLOG)])
        for _ in range(3):
            eventually(lambda: len(slow_calls) > 3)
            handled.clear()
            box.enqueue_now("quick", 1)
            before = len(slow_calls)
            assert handled.wait(20)
            assert between[-1] - before <= FEW
        assert len(slow_calls) < BACKLOG, "the backlog was over before it could be in the way"
