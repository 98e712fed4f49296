"""Slow handlers hold the locks of a transaction, so it takes no more of them than it must."""

from __future__ import annotations

import time
from typing import Any

import pytest

from outbox import OutboxMessage
from outbox.workers import transactional
from tests.acceptance.bench import Bench

PATIENCE = 0.05


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    assert transactional.TURN_SECONDS == 2.0, "what the documentation promises"
    monkeypatch.setattr(transactional, "TURN_SECONDS", PATIENCE)


def test_a_transaction_that_has_lasted_long_enough_is_committed_and_the_rest_follows_at_once(
    bench: Bench,
) -> None:
    committed: list[int] = []

    def handler(_conn: Any, _msg: OutboxMessage) -> None:
        committed.append(bench.row().cursor)
        time.sleep(2 * PATIENCE)

    hands = bench.by_hand(lambda queue: queue.transactional(handler))
    bench.send(*"abcde")
    hands.work()
    assert committed == [0, 1, 2, 3, 4]
    assert bench.row().cursor == 5
