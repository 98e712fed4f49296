from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from outbox import Outbox, OutboxMessage, Reject, Retry
from outbox.testing import drain
from tests.acceptance.enqueue.support import sales, sell
from tests.acceptance.wakeups.inbox import NEVER, only_one_poll, polls
from tests.support import Database, eventually

Target = Callable[[Database], Any]
TARGETS: dict[str, Target] = {
    "url": lambda database: database.url,
    "engine": lambda database: database.engine(),
}
either = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


class Shop:
    """Orders whose handler sells, and asks for an invoice, in the transaction of the cursor."""

    def __init__(self, target: Any) -> None:
        self.outcomes: list[Any] = []
        self.invoices: list[int] = []
        self.builder = (
            Outbox.builder(target)
            .queue("orders", 1)
            .transactional(self.handle)
            .queue("invoices", 1)
            .leased(lambda msg: self.invoices.append(msg.json()))
        )
        self.outbox = self.builder.open()

    def handle(self, conn: Any, msg: OutboxMessage) -> Any:
        number = msg.json()
        sell(conn, number)
        self.outbox.enqueue(conn, "invoices", number)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def shop(target: Target, tables: Database) -> Any:
    shop = Shop(target(tables))
    yield shop
    shop.outbox.close()


@either
def test_a_message_enqueued_by_a_handler_commits_with_it(shop: Shop, tables: Database) -> None:
    for number in (1, 2, 3):
        shop.outbox.enqueue_now("orders", number)
    counts = drain(shop.outbox)
    assert shop.invoices == [1, 2, 3]
    assert sales(tables) == [1, 2, 3]
    assert (counts.processed, counts.left) == (6, 0)


@either
@pytest.mark.parametrize(
    "outcome",
    [ValueError("no"), Retry("later"), Retry("down", counts=False)],
    ids=["error", "retry", "uncounted"],
)
def test_it_is_rolled_back_with_a_handler_that_wants_a_retry(
    shop: Shop, tables: Database, outcome: object
) -> None:
    for number in (1, 2):
        shop.outbox.enqueue_now("orders", number)
    shop.outcomes = [None, outcome]

    drain(shop.outbox)
    assert shop.invoices == [1]
    assert sales(tables) == [1]
    drain(shop.outbox)
    assert shop.invoices == [1, 2]
    assert sales(tables) == [1, 2]


@either
def test_it_is_rolled_back_with_a_handler_that_rejects(shop: Shop, tables: Database) -> None:
    for number in (1, 2, 3):
        shop.outbox.enqueue_now("orders", number)
    shop.outcomes = [None, Reject("bad")]
    assert drain(shop.outbox).dead_lettered == 1
    assert shop.invoices == [1, 3]
    assert sales(tables) == [1, 3]


@either
def test_worker_threads_deliver_it_once(shop: Shop, tables: Database) -> None:
    for number in range(20):
        shop.outbox.enqueue_now("orders", number)
    shop.outcomes = [None, None, ValueError("no")]
    with shop.builder.start() as handle:
        eventually(lambda: len(shop.invoices) >= 20)
        assert handle.stop()
    assert shop.invoices == list(range(20))
    assert sales(tables) == list(range(20))


@either
def test_its_commit_wakes_the_workers(shop: Shop, tables: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    only_one_poll(monkeypatch)
    with shop.builder.poll_interval(NEVER).wakeup("poll").start() as handle:
        eventually(lambda: polls(handle) == 1)
        shop.outbox.close()
        shop.outbox = handle.outbox
        for number in (1, 2, 3):
            handle.outbox.enqueue_now("orders", number)
        eventually(lambda: shop.invoices == [1, 2, 3])
        assert polls(handle) == 1
    assert sales(tables) == [1, 2, 3]
