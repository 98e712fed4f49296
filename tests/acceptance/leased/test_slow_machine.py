"""A machine that stands still between the lease and the handler."""

from __future__ import annotations

import time
from typing import Any

import pytest

from outbox import LeaseConfig, OutboxMessage
from tests.acceptance.bench import Bench, Row

EARLY = LeaseConfig(30, headroom=29.9)


def test_what_could_not_be_started_in_time_is_given_back_uncharged_and_comes_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    rows: list[Row] = []

    def handler(msg: OutboxMessage) -> None:
        seen.append((msg.seq, msg.attempts))

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=EARLY, max_attempts=1))
    lease_and_read = hands.pipeline.backend.lease_and_read
    stalls = iter([0.2, 0.2])

    def stall(*arguments: Any, **options: Any) -> Any:
        rows.append(bench.row())
        taken = lease_and_read(*arguments, **options)
        time.sleep(next(stalls, 0.0))
        return taken

    monkeypatch.setattr(hands.pipeline.backend, "lease_and_read", stall)
    bench.send("a")
    hands.turn()
    # The machine may have stood still once more by itself.
    assert len(rows) >= 3
    assert set(rows) == {Row(cursor=0, attempts=0, error=None, token=None, held=False)}
    assert seen == [(1, 0)]
    assert bench.row() == Row(cursor=1, attempts=0, error=None, token=None, held=False)
    assert bench.dead() == []
