"""Of a group's leases some can be renewed and some are gone."""

from __future__ import annotations

import logging

import pytest

from outbox import LeaseConfig, OutboxMessage
from tests.acceptance.bench import PARTITIONS, Bench, Hands, send_everywhere, warm_up
from tests.support import eventually

# Renewed after 0.6 seconds, and far from its end.
LEASE = LeaseConfig(30, headroom=29.1, renewals=5)
WARM = 3


def steal(bench: Bench, partition: int) -> None:
    """Give a partition's lease to somebody else, as happens when it ran out."""
    bench.database.execute(
        "UPDATE outbox_processor SET locked_by = 'thief' WHERE partition_id = ?", bench.ids[partition]
    )


def renew(bench: Bench, hands: Hands, partition: int) -> None:
    """Let the keeper look until a partition's lease is extended."""

    def until() -> object:
        return bench.database.value(
            "SELECT locked_until FROM outbox_processor WHERE partition_id = ?", bench.ids[partition]
        )

    before = until()
    eventually(lambda: hands.keep_leases() or until() != before)


def test_what_waits_in_a_group_and_lost_its_lease_is_not_handed_over(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[tuple[int, object]] = []

    def handler(msg: OutboxMessage) -> None:
        if msg.json() == "x" and msg.partition == 0:
            steal(bench, 1)
            renew(bench, hands, 0)
            eventually(lambda: hands.keep_leases() or msg.remaining() > 0.0)
        seen.append((msg.partition, msg.json()))

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=LEASE))
    warm_up(hands)
    seen.clear()
    send_everywhere(hands.outbox, "x")
    with caplog.at_level(logging.WARNING):
        hands.turn()
    assert (1, "x") not in seen
    assert (0, "x") in seen
    assert bench.row(1).cursor == WARM
    assert bench.row(1).token == "thief"
    assert bench.row(0).cursor == WARM + 1
    assert hands.pipeline.counters.snapshot()["lost_leases"] == 1
    assert "partitions [1]" in caplog.text


def test_a_partition_whose_renewal_was_refused_starts_no_further_message(bench: Bench) -> None:
    seen: list[tuple[int, object]] = []

    def handler(msg: OutboxMessage) -> None:
        seen.append((msg.partition, msg.json()))
        if msg.json() == "x" and msg.partition == 0:
            steal(bench, 0)
            renew(bench, hands, PARTITIONS - 1)

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=LEASE))
    warm_up(hands)
    seen.clear()
    send_everywhere(hands.outbox, "x", "y")
    hands.work()
    assert [body for partition, body in seen if partition == 0] == ["x"]
    assert bench.row(0).cursor == WARM
    assert bench.row(0).token == "thief"
    for partition in range(1, PARTITIONS):
        assert [body for where, body in seen if where == partition] == ["x", "y"]
        assert bench.row(partition).cursor == WARM + 2
    assert hands.pipeline.counters.snapshot()["lost_leases"] == 1
