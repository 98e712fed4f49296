"""A queue that is consumed in both modes at once, as in a rolling deployment."""

from __future__ import annotations

import threading
from typing import Any

from outbox import OutboxMessage, Retry
from tests.acceptance.bench import PARTITIONS, Bench, at_rest
from tests.support import eventually

MESSAGES = 25


def test_a_live_lease_keeps_the_transactional_worker_out(bench: Bench) -> None:
    seen: list[tuple[str, int]] = []
    other = bench.by_hand(
        lambda queue: queue.transactional(lambda _conn, msg: seen.append(("other", msg.seq)))
    )

    def handler(msg: OutboxMessage) -> None:
        before = bench.row()
        other.insist()
        assert bench.row() == before
        seen.append(("leased", msg.seq))

    leased = bench.by_hand(lambda queue: queue.leased(handler))
    bench.send("a", "b")
    leased.turn()
    assert seen == [("leased", 1), ("leased", 2)]
    assert bench.row() == at_rest(2)


def test_a_transaction_in_progress_keeps_the_leased_worker_out(bench: Bench) -> None:
    began, go_on = threading.Event(), threading.Event()
    seen: list[tuple[str, int]] = []

    def handler(_conn: Any, msg: OutboxMessage) -> None:
        began.set()
        assert go_on.wait(20)
        seen.append(("transactional", msg.seq))

    transactional = bench.by_hand(lambda queue: queue.transactional(handler))
    leased = bench.by_hand(lambda queue: queue.leased(lambda msg: seen.append(("leased", msg.seq))))
    bench.send("a", "b")
    transactional.sequence()
    turn = threading.Thread(target=transactional.turn)
    turn.start()
    assert began.wait(10)
    # SQLite has one writer at a time, so there the leased worker waits instead of going on.
    attempt = threading.Thread(target=leased.turn)
    attempt.start()
    if bench.database.backend != "sqlite":
        attempt.join(10)
        assert not attempt.is_alive()
    assert seen == []
    go_on.set()
    turn.join()
    attempt.join()
    assert seen == [("transactional", 1), ("transactional", 2)]
    assert bench.row() == at_rest(2)


def test_a_backoff_after_a_leased_retry_holds_for_the_transactional_worker_too(bench: Bench) -> None:
    seen: list[int] = []
    leased = bench.by_hand(lambda queue: queue.leased(lambda _msg: Retry("later", delay=60)))
    other = bench.by_hand(lambda queue: queue.transactional(lambda _conn, msg: seen.append(msg.attempts)))
    bench.send("a")
    leased.work()
    other.insist()
    assert seen == []
    bench.end_backoff()
    other.work()
    assert seen == [1]


def test_a_crashed_leased_start_is_counted_and_taken_over_after_the_lease(bench: Bench) -> None:
    seen: list[int] = []

    leased = bench.by_hand(lambda queue: queue.leased(lambda _msg: bench.end_lease()))
    bench.send("a")
    leased.turn()
    assert bench.row().attempts == 1
    other = bench.by_hand(lambda queue: queue.transactional(lambda _conn, msg: seen.append(msg.attempts)))
    other.work()
    assert seen == [1]
    assert bench.row() == at_rest(1)


def test_both_modes_side_by_side_deliver_every_message_once_and_in_order(bench: Bench) -> None:
    seen: list[list[int]] = [[] for _ in range(PARTITIONS)]
    busy = [threading.Lock() for _ in range(PARTITIONS)]
    overlaps: list[int] = []

    def note(msg: OutboxMessage) -> None:
        if not busy[msg.partition].acquire(blocking=False):
            overlaps.append(msg.id)
            return
        seen[msg.partition].append(msg.seq)
        busy[msg.partition].release()

    bench.on_threads(lambda queue: queue.leased(note), processors=2)
    bench.on_threads(lambda queue: queue.transactional(lambda _conn, msg: note(msg)), processors=2)
    for number in range(MESSAGES):
        for partition in range(PARTITIONS):
            bench.send(number, partition=partition)
    eventually(lambda: all(bench.row(n).cursor == MESSAGES for n in range(PARTITIONS)), 30)
    assert overlaps == []
    assert seen == [list(range(1, MESSAGES + 1))] * PARTITIONS
