"""Several threads and several processes on one queue."""

from __future__ import annotations

import threading
import time

import pytest

from outbox import OutboxMessage, OutboxProfile
from tests.acceptance.bench import PARTITIONS, Bench, builder_for, warm_up
from tests.support import Spawn, eventually

MESSAGES = 40


def consume(url: str) -> None:
    """Print when and what the handler got, for ever."""

    def handler(msg: OutboxMessage) -> None:
        # In one piece: several threads print.
        print(f"got {time.monotonic()} {msg.partition} {msg.seq} {msg.attempts}\n", end="", flush=True)

    # Small batches and short turns, so that the processes take turns too.
    tuning = OutboxProfile.low_latency().processor.batch_size(2)
    with builder_for(url, lambda queue: queue.leased(handler, tuning=tuning)).start():
        print("started", flush=True)
        threading.Event().wait()


@pytest.mark.mp
def test_two_processes_share_a_queue_deliver_once_and_keep_the_order(bench: Bench, spawn: Spawn) -> None:
    children = [spawn(consume, bench.database.url) for _ in range(2)]
    for child in children:
        child.wait_for_line("started")
    for number in range(MESSAGES):
        for partition in range(PARTITIONS):
            bench.send(number, partition=partition)

    def deliveries() -> list[tuple[float, int, int, int]]:
        lines = [line.split() for child in children for line in list(child.lines)]
        return sorted((float(w[1]), int(w[2]), int(w[3]), int(w[4])) for w in lines if w[0] == "got")

    eventually(lambda: all(bench.row(n).cursor == MESSAGES for n in range(PARTITIONS)), 30)
    eventually(lambda: len(deliveries()) >= MESSAGES * PARTITIONS)
    for partition in range(PARTITIONS):
        seqs = [seq for _, where, seq, _ in deliveries() if where == partition]
        assert seqs == list(range(1, MESSAGES + 1))
    assert {attempts for *_, attempts in deliveries()} == {0}


def test_no_two_threads_of_a_process_handle_one_partition_at_the_same_time(bench: Bench) -> None:
    busy = [threading.Lock() for _ in range(PARTITIONS)]
    seen: list[list[int]] = [[] for _ in range(PARTITIONS)]
    overlaps: list[OutboxMessage] = []
    together = threading.Barrier(2)

    def handler(msg: OutboxMessage) -> None:
        if not busy[msg.partition].acquire(blocking=False):
            overlaps.append(msg)
            return
        try:
            if msg.seq == 1 and msg.partition < 2:
                together.wait(10)  # two partitions are worked on at once, or nothing is shown
            seen[msg.partition].append(msg.seq)
        finally:
            busy[msg.partition].release()

    # The poll marks partitions as ready again and again while they are being worked on.
    bench.on_threads(lambda queue: queue.leased(handler), processors=8, poll_interval=0.005)
    for number in range(MESSAGES):
        for partition in range(PARTITIONS):
            bench.send(number, partition=partition)
    eventually(lambda: all(len(seqs) == MESSAGES for seqs in seen), 30)
    assert overlaps == []
    assert seen == [list(range(1, MESSAGES + 1))] * PARTITIONS


def test_a_live_lease_keeps_everybody_else_out_however_hard_they_try(bench: Bench) -> None:
    seen: list[str] = []
    other = bench.by_hand(lambda queue: queue.leased(lambda _msg: seen.append("other")))

    def handler(_msg: OutboxMessage) -> None:
        before = bench.row()
        other.insist()
        assert bench.row() == before
        seen.append("owner")

    owner = bench.by_hand(lambda queue: queue.leased(handler))
    bench.send("a", "b")
    owner.turn()
    assert seen == ["owner", "owner"]
    assert bench.row().cursor == 2


def test_a_stuck_partition_keeps_no_other_one_waiting(bench: Bench) -> None:
    stuck = threading.Event()
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> None:
        if msg.partition == 0:
            assert stuck.wait(20)
        seen.append(msg.partition)

    bench.on_threads(lambda queue: queue.leased(handler), processors=2)
    try:
        bench.send("a", partition=0)
        eventually(lambda: bench.row(0).attempts == 1)
        for partition in (1, 2, 3):
            bench.send("b", partition=partition)
        eventually(lambda: sorted(seen) == [1, 2, 3])
    finally:
        stuck.set()
    eventually(lambda: sorted(seen) == [0, 1, 2, 3])


def test_what_waits_in_a_group_behind_a_slow_handler_is_set_free_for_the_others(bench: Bench) -> None:
    stuck = threading.Event()
    seen: list[tuple[int, int]] = []

    def handler(msg: OutboxMessage) -> None:
        if msg.json() == "stick":
            assert stuck.wait(20)
        seen.append((msg.partition, msg.attempts))

    first = bench.by_hand(lambda queue: queue.leased(handler))
    warm_up(first)
    seen.clear()
    bench.send("stick", partition=0)
    for partition in (1, 2, 3):
        bench.send("quick", partition=partition)
    thread = threading.Thread(target=first.work)
    thread.start()
    try:
        eventually(lambda: [bench.row(n).attempts for n in range(PARTITIONS)] == [1, 1, 1, 1])
        other = bench.by_hand(lambda queue: queue.leased(handler))
        eventually(lambda: first.keep_leases() or other.work() or len(seen) == 3)
        assert sorted(seen) == [(1, 0), (2, 0), (3, 0)]
        assert bench.row(0).attempts == 1
    finally:
        stuck.set()
        thread.join()
    assert sorted(seen) == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert [bench.row(n).cursor for n in range(PARTITIONS)] == [4, 4, 4, 4]
