"""Several threads and several processes on one queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest

from outbox import OutboxMessage, OutboxProfile
from tests.acceptance.bench import PARTITIONS, Bench, builder_for, warm_up
from tests.support import Child, Spawn, eventually
from tests.support.gate import open_gate, wait_at

MESSAGES = 40
HANDOVERS = 6


def consume(url: str, threads: int) -> None:
    """Print when and what the handler got, for ever; a message may name a gate to wait at."""

    def handler(msg: OutboxMessage) -> None:
        # In one piece: several threads print.
        print(f"got {time.monotonic()} {msg.partition} {msg.seq} {msg.attempts}\n", end="", flush=True)
        if gate := msg.json():
            wait_at(gate)

    # Small batches and short turns, so that the processes take turns too.
    tuning = OutboxProfile.low_latency().processor.batch_size(2)
    with builder_for(url, lambda queue: queue.leased(handler, tuning=tuning), processors=threads).start():
        print("started", flush=True)
        threading.Event().wait()


def start_two(bench: Bench, spawn: Spawn, *, threads: int) -> list[Child]:
    children = [spawn(consume, bench.database.url, threads) for _ in range(2)]
    for child in children:
        child.wait_for_line("started")
    return children


def delivered(*children: Child, partition: int) -> list[tuple[int, int]]:
    """Return number and attempts of what the handlers got of a partition, in the order of the clock."""
    lines = [line.split() for child in children for line in list(child.lines)]
    got = sorted((float(w[1]), int(w[2]), int(w[3]), int(w[4])) for w in lines if w[0] == "got")
    return [(seq, attempts) for _, where, seq, attempts in got if where == partition]


def expect(seqs: Iterable[int], *children: Child, partition: int) -> None:
    """Wait for these messages; insist that they came in this order, each once and without a failure."""
    wanted = [(seq, 0) for seq in seqs]
    eventually(lambda: len(delivered(*children, partition=partition)) >= len(wanted), 30)
    assert delivered(*children, partition=partition) == wanted


@pytest.mark.mp
def test_two_processes_share_a_queue_deliver_once_and_keep_the_order(
    bench: Bench, spawn: Spawn, tmp_path: Path
) -> None:
    # With all its threads at the gate, a process holds half of the partitions and leaves half to the other one.
    children = start_two(bench, spawn, threads=PARTITIONS // 2)
    gate = tmp_path / "share"
    for partition in range(PARTITIONS):
        bench.send(str(gate), partition=partition)
    open_gate(gate, children)
    for _ in range(1, MESSAGES):
        for partition in range(PARTITIONS):
            bench.send(None, partition=partition)
    eventually(lambda: all(bench.row(n).cursor == MESSAGES for n in range(PARTITIONS)), 30)
    for partition in range(PARTITIONS):
        expect(range(1, MESSAGES + 1), *children, partition=partition)


def children_that_said(children: list[Child], line: str) -> list[int]:
    return [number for number in (0, 1) if line in children[number].lines]


def cursors_are(bench: Bench, seq: int) -> bool:
    return [bench.row(partition).cursor for partition in (2, 3)] == [seq, seq]


@pytest.mark.mp
def test_partitions_go_from_process_to_process_and_back_in_order(
    bench: Bench, spawn: Spawn, tmp_path: Path
) -> None:
    children = start_two(bench, spawn, threads=1)
    gates = [tmp_path / f"handover-{number}" for number in range(HANDOVERS)]
    # Which numbers of partitions 2 and 3 each process should get: those of the rounds that it does not sit out.
    shares: list[list[int]] = [[], []]
    for number, gate in enumerate(gates):
        # Who sits out the last round cannot take this one.
        bench.send(str(gate), partition=number % 2)
        wanted = f"ready for {gate.name}"
        (waiting,) = eventually(partial(children_that_said, children, wanted))
        shares[1 - waiting].append(number + 1)
        for opened in gates[:number]:
            opened.touch()
        for partition in (2, 3):
            bench.send(None, partition=partition)
        eventually(partial(cursors_are, bench, number + 1))
    assert sorted(map(len, shares)) == [HANDOVERS // 2] * 2
    for child, share in zip(children, shares, strict=True):
        for partition in (2, 3):
            expect(share, child, partition=partition)


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
