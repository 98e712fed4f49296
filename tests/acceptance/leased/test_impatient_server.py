"""A server that ends statements which read much; SQLite stands for it, with a limit put in front of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from outbox import EnqueueMessage, Outbox
from outbox.backends.records import LeaseRequest, Settlement
from outbox.backends.sqlite import SqliteBackend
from outbox.errors import StatementTimeout
from tests.support import Database, eventually

MOST = 8
MESSAGES = 200


def check(count: int) -> None:
    if count > MOST:
        raise StatementTimeout(f"{count} take too long")


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("mode", ["leased", "transactional"])
def test_what_takes_too_long_to_read_is_read_in_halves_and_all_is_delivered(
    migrated: Database, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, settle, turn = (
        SqliteBackend.lease_and_read,
        SqliteBackend.settle_and_read,
        SqliteBackend.transactional_turn,
    )

    def lease_and_read(self: Any, requests: Sequence[LeaseRequest], **options: Any) -> Any:
        check(sum(request.limit for request in requests))
        return lease(self, requests, **options)

    def settle_and_read(self: Any, settlements: Sequence[Settlement], **options: Any) -> Any:
        check(sum(settlement.next_limit for settlement in settlements))
        return settle(self, settlements, **options)

    def transactional_turn(self: Any, request: LeaseRequest, **options: Any) -> Any:
        check(request.limit)
        return turn(self, request, **options)

    monkeypatch.setattr(SqliteBackend, "lease_and_read", lease_and_read)
    monkeypatch.setattr(SqliteBackend, "settle_and_read", settle_and_read)
    monkeypatch.setattr(SqliteBackend, "transactional_turn", transactional_turn)
    got: list[int] = []
    queue = Outbox.builder(migrated.url).processors(2).queue("orders", 1)
    builder = (
        queue.leased(lambda msg: got.append(msg.json()))
        if mode == "leased"
        else queue.transactional(lambda _conn, msg: got.append(msg.json()))
    )
    with builder.open() as box, box.transaction() as conn:
        box.enqueue_batch(conn, "orders", [EnqueueMessage(number) for number in range(MESSAGES)])
    with builder.start() as handle:
        eventually(lambda: len(got) == MESSAGES, 20)
        assert handle.healthy()
    assert got == list(range(MESSAGES))
