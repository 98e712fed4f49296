"""Random histories against a model: nothing lost, order kept, nothing delivered twice without a cause."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from outbox import Outbox, WorkerTuning
from outbox.backends.records import LeaseRequest, Refusal, Settlement
from outbox.testing import drain
from tests.acceptance.end_to_end.shop_model import PARTITIONS, ShopModel
from tests.support import Database

# `make soak` sets it higher.
EXAMPLES = int(os.environ.get("OUTBOX_MODEL_EXAMPLES", "12"))
STEPS = 30
CONNECTIONS = 3
SCRIPTS = st.lists(st.sampled_from(["retry", "raise", "reject"]), max_size=2)
MESSAGES = st.lists(st.tuples(st.integers(0, PARTITIONS - 1), SCRIPTS), min_size=1, max_size=4)
TUNING = WorkerTuning.processor_adaptive().replace(batch_size=3)

queues = itertools.count()


class History(RuleBasedStateMachine):
    """Producers on several connections, one pipeline moved by hand, and crashes."""

    database: Database
    leased: bool

    @initialize()
    def declare(self) -> None:
        self.model = ShopModel()
        self.queue = f"q{next(queues)}"
        queue = Outbox.builder(self.database.url).wakeup("poll").queue(self.queue, PARTITIONS)
        if self.leased:
            builder = queue.leased(self.model.handle, tuning=TUNING)
        else:
            builder = queue.transactional(lambda _conn, msg: self.model.handle(msg), tuning=TUNING)
        self.outbox = builder.open()
        status = self.outbox.status().partitions
        self.ids = [partition.partition_id for partition in status if partition.queue == self.queue]
        self.open: dict[int, tuple[ExitStack, Any, list[int]]] = {}

    def writers_block_workers(self) -> bool:
        return self.database.backend == "sqlite" and bool(self.open)

    @precondition(lambda self: not self.writers_block_workers())
    @rule(slot=st.integers(0, CONNECTIONS - 1), messages=MESSAGES)
    def begin(self, slot: int, messages: list[tuple[int, list[str]]]) -> None:
        if slot in self.open:
            return
        stack = ExitStack()
        self.open[slot] = (stack, stack.enter_context(self.outbox.backend.connection()), [])
        self.send_more(slot, messages)

    @precondition(lambda self: not self.writers_block_workers())
    @rule(batches=st.lists(MESSAGES, min_size=2, max_size=4))
    def send_in_turn(self, batches: list[list[tuple[int, list[str]]]]) -> None:
        """One transaction after the other: their messages have an order."""
        for messages in batches:
            self.begin(CONNECTIONS, messages)
            self.commit(CONNECTIONS)

    @rule(slot=st.integers(0, CONNECTIONS - 1), messages=MESSAGES)
    def send_more(self, slot: int, messages: list[tuple[int, list[str]]]) -> None:
        if slot not in self.open:
            return
        _, conn, ids = self.open[slot]
        for partition, script in messages:
            message_id = self.outbox.enqueue(conn, self.queue, {}, partition=partition)
            self.model.send(message_id, partition, script)
            ids.append(message_id)

    @rule(slot=st.integers(0, CONNECTIONS - 1))
    def commit(self, slot: int) -> None:
        if slot in self.open:
            stack, _, ids = self.open.pop(slot)
            stack.close()
            self.model.commit(ids)

    @rule(slot=st.integers(0, CONNECTIONS - 1))
    def roll_back(self, slot: int) -> None:
        if slot in self.open:
            stack, _, ids = self.open.pop(slot)
            error = RuntimeError("changed my mind")
            stack.__exit__(type(error), error, None)
            self.model.forget(ids)

    @precondition(lambda self: not self.writers_block_workers())
    @rule()
    def deliver(self) -> None:
        drain(self.outbox)
        self.model.check_progress()

    @precondition(lambda self: not self.writers_block_workers())
    @rule(limit=st.integers(1, 3))
    def sequence(self, limit: int) -> None:
        self.outbox.backend.sequence(self.ids, limit)

    @precondition(lambda self: not self.writers_block_workers())
    @rule(messages=MESSAGES, limit=st.integers(1, 3))
    def crash_after_the_lease(self, messages: list[tuple[int, list[str]]], limit: int) -> None:
        """Take what is free and die: the lease is short enough to be over at the next look."""
        self.make_deliverable(messages)
        requests = [LeaseRequest(partition_id, limit) for partition_id in self.ids]
        self.outbox.backend.lease_and_read(
            requests, token="crashed", lease=0.001, max_bytes=1000, one_if_failed=False, solo=False
        )

    @precondition(lambda self: not self.writers_block_workers())
    @rule(messages=MESSAGES)
    def crash_in_a_transaction(self, messages: list[tuple[int, list[str]]]) -> None:
        """Take messages under the row's lock, say that they are done, and die before the commit."""
        self.make_deliverable(messages)
        request = LeaseRequest(self.ids[messages[0][0]], 3)
        with (
            suppress(ZeroDivisionError),
            self.outbox.backend.transactional_turn(request, max_bytes=1000, one_if_failed=False) as turn,
        ):
            if not isinstance(turn, Refusal):
                turn.settle(Settlement(request.partition_id, turn.delivery.messages[-1].seq))
            raise ZeroDivisionError

    def make_deliverable(self, messages: list[tuple[int, list[str]]]) -> None:
        self.begin(CONNECTIONS, messages)
        self.commit(CONNECTIONS)
        self.sequence(10)

    @precondition(lambda self: not self.writers_block_workers())
    @rule(limit=st.integers(1, 5))
    def vacuum(self, limit: int) -> None:
        self.outbox.backend.vacuum(self.ids, limit)

    def teardown(self) -> None:
        if not hasattr(self, "open"):
            return
        for slot in list(self.open):
            self.commit(slot)
        for _ in self.drains():
            pass
        self.model.check_complete()
        self.outbox.close()

    def drains(self) -> Iterator[int]:
        """Drain until nothing is left; each message needs at most as many rounds as its script has steps."""
        for attempt in range(200):
            yield attempt
            if drain(self.outbox).left == 0:
                return
        raise AssertionError("something is never delivered")


@pytest.mark.slow
@pytest.mark.parametrize("leased", [True, False], ids=["leased", "transactional"])
def test_random_histories_keep_every_promise(migrated: Database, leased: bool) -> None:
    machine = type("HistoryOnThisBackend", (History,), {"database": migrated, "leased": leased})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize="OUTBOX_MODEL_EXAMPLES" not in os.environ,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
