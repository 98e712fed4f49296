"""Limits of a queue's deliveries over all processes."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from outbox import (
    ConfigurationError,
    EnqueueMessage,
    Outbox,
    OutboxBuilder,
    OutboxMessage,
    QueuePartitionStatus,
    Rate,
)
from outbox.backends.connect import open_backend
from outbox.statements import Naming
from outbox.testing import drain
from outbox.workers.rate_limits import RateLimits
from tests.support import Database, eventually

SLOW = Rate(5, per=timedelta(hours=1))


def limits(database: Database) -> RateLimits:
    return RateLimits(open_backend(database.url, naming=Naming("outbox"), pool_size=2))


def go_back(database: Database) -> None:
    """Let an hour pass for the buckets."""
    database.execute("UPDATE outbox_queues SET rate_at = ?", database.long_ago)


def declared(database: Database, mode: str, rate: Rate, seen: list[tuple[int, int]]) -> OutboxBuilder:
    def note(message: OutboxMessage) -> None:
        seen.append((message.partition, message.seq))

    queue = Outbox.builder(database.url).poll_interval(0.1).queue("orders", 2)
    if mode == "leased":
        return queue.leased(note, rate=rate)
    return queue.transactional(lambda _, message: note(message), rate=rate)


def test_a_bucket_gives_what_it_has_and_fills_with_time(migrated: Database) -> None:
    rates = limits(migrated)
    granted = [rates.take("orders", SLOW, 3).granted for _ in range(3)]
    assert granted == [3, 2, 0]
    empty = rates.take("orders", SLOW, 3)
    assert 600 < empty.retry_in <= 720
    assert limits(migrated).take("orders", SLOW, 1).granted == 0
    assert rates.take("bills", SLOW, 9).granted == 5
    go_back(migrated)
    assert rates.take("orders", SLOW, 100).granted == 5


def test_what_a_turn_did_not_need_comes_back(migrated: Database) -> None:
    rates = limits(migrated)
    allowance = rates.take("orders", SLOW, 4)
    allowance.used = 1
    rates.give_back("orders", SLOW, allowance)
    assert rates.take("orders", SLOW, 9).granted == 4


@pytest.mark.parametrize("mode", ["leased", "transactional"])
def test_a_limit_waits_and_never_reorders(migrated: Database, mode: str) -> None:
    seen: list[tuple[int, int]] = []
    builder = declared(migrated, mode, SLOW, seen)
    with builder.start() as one, builder.start():
        outbox = one.outbox
        with outbox.transaction() as conn:
            outbox.enqueue_batch(conn, "orders", [EnqueueMessage(n, partition=n % 2) for n in range(12)])
        for most in (5, 10, 12):
            eventually(lambda most=most: len(seen) >= most)  # type: ignore[misc]
            assert len(seen) == most
            go_back(migrated)
    for partition in (0, 1):
        assert [seq for where, seq in seen if where == partition] == [1, 2, 3, 4, 5, 6]
    # Nothing waited as a failure does.
    assert all(row.attempts == 0 for row in status(migrated))


def status(database: Database) -> list[QueuePartitionStatus]:
    with Outbox.builder(database.url).open() as outbox:
        return outbox.status().partitions


@pytest.mark.backends("sqlite")
def test_a_rate_is_kept_on_the_average(migrated: Database) -> None:
    seen: list[tuple[int, int]] = []
    with declared(migrated, "leased", Rate(20), seen).start() as handle:
        began = time.monotonic()
        with handle.outbox.transaction() as conn:
            handle.outbox.enqueue_batch(conn, "orders", [EnqueueMessage(n) for n in range(50)])
        eventually(lambda: len(seen) == 50)
        # Twenty at once, and thirty that came back at twenty a second.
        assert time.monotonic() - began >= 1.45


@pytest.mark.backends("sqlite")
def test_a_drain_does_not_wait(migrated: Database) -> None:
    seen: list[tuple[int, int]] = []
    with declared(migrated, "leased", Rate(1, per=3600), seen).open() as outbox:
        for n in range(3):
            outbox.enqueue_now("orders", n, partition=0)
        assert drain(outbox).processed == len(seen) == 3


@pytest.mark.backends("sqlite")
def test_what_is_no_rate_is_refused(migrated: Database) -> None:
    for count, per in ((0, 1), (1.5, 1), (True, 1), (1, 0), (1, "1s")):
        with pytest.raises(ConfigurationError, match="rate"):
            Rate(count, per)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="give a Rate"):
        Outbox.builder(migrated.url).queue("orders", 1).leased(print, rate=5)  # type: ignore[arg-type]
