"""A row of the outgoing table was deleted by hand: the partition stands still, loudly, and in order."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from outbox import HandlerResult, OutboxMessage
from outbox.facade import OutboxBuilder, QueueBuilder
from tests.acceptance.bench import Bench, Row
from tests.support import eventually

Mode = Callable[[QueueBuilder, Callable[[OutboxMessage], HandlerResult]], OutboxBuilder]


def leased(queue: QueueBuilder, handler: Callable[[OutboxMessage], HandlerResult]) -> OutboxBuilder:
    return queue.leased(handler)


def transactional(queue: QueueBuilder, handler: Callable[[OutboxMessage], HandlerResult]) -> OutboxBuilder:
    return queue.transactional(lambda _conn, msg: handler(msg))


modes = pytest.mark.parametrize("mode", [leased, transactional])


def delete(bench: Bench, *seqs: int) -> list[tuple[Any, ...]]:
    """Delete rows of partition 0 and return them."""
    rows = []
    for seq in seqs:
        rows += bench.database.query(
            "SELECT partition_id, seq, body_id, sequenced_at FROM outbox_outgoing WHERE partition_id = ? AND seq = ?",
            bench.ids[0],
            seq,
        )
        bench.database.execute(
            "DELETE FROM outbox_outgoing WHERE partition_id = ? AND seq = ?", bench.ids[0], seq
        )
    return rows


def put_back(bench: Bench, rows: list[tuple[Any, ...]]) -> None:
    for row in rows:
        bench.database.execute(
            "INSERT INTO outbox_outgoing (partition_id, seq, body_id, sequenced_at) VALUES (?, ?, ?, ?)", *row
        )


@modes
@pytest.mark.parametrize("missing", [(1,), (3,), (2, 3), (5,), (1, 2, 3, 4, 5)], ids=str)
def test_what_lies_before_a_missing_row_is_delivered_and_the_rest_once_the_row_is_back(
    bench: Bench, mode: Mode, missing: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[tuple[int, int]] = []
    hands = bench.by_hand(lambda queue: mode(queue, lambda msg: seen.append((msg.partition, msg.seq))))
    bench.send(*"abcde")
    bench.send("elsewhere", partition=1)
    hands.sequence()
    rows = delete(bench, *missing)
    head = missing[0]

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            hands.work()
            hands.insist()
    assert seen.count((1, 1)) == 1
    assert [seq for partition, seq in seen if partition == 0] == list(range(1, head))
    assert bench.row() == Row(cursor=head - 1, attempts=0, error=None, token=None, held=False)
    [record] = caplog.records
    assert record.levelname == "ERROR"
    assert f"queue orders, partition 0 (id {bench.ids[0]}) stands still" in record.getMessage()
    assert f"processed up to seq {head - 1}, and message {head} has been deleted" in record.getMessage()
    assert (record.cursor, record.seq) == (head - 1, head)  # type: ignore[attr-defined]

    put_back(bench, rows)
    hands.work()
    assert [seq for partition, seq in seen if partition == 0] == [1, 2, 3, 4, 5]
    assert bench.row().cursor == 5


@modes
def test_a_partition_that_stands_still_is_not_asked_for_all_the_time_and_goes_on_by_itself(
    bench: Bench, mode: Mode, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []
    hands = bench.by_hand(lambda queue: queue.leased(print))
    bench.send(*"abc")
    hands.sequence()
    rows = delete(bench, 1)
    with caplog.at_level(logging.ERROR):
        handle = bench.on_threads(lambda queue: mode(queue, lambda msg: seen.append(msg.seq)))
        eventually(lambda: "stands still" in caplog.text)
    bench.send("elsewhere", partition=1)
    eventually(lambda: bench.row(1).cursor == 1)
    put_back(bench, rows)
    eventually(lambda: bench.row().cursor == 3)
    assert handle.healthy()
