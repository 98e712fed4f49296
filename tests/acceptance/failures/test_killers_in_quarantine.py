"""A message that kills its process, on a queue that has a quarantine and no limit of attempts."""

from __future__ import annotations

import os
import signal

import pytest

from outbox import FailureKey, InMemoryFailureTracker, LeaseConfig, OutboxMessage
from tests.acceptance.bench import Bench, all_delivered, builder_for
from tests.acceptance.failures.support import THRESHOLD, Ward
from tests.support import Spawn, eventually

# Nobody waits for its end; a turn on a busy machine must fit into it.
LEASE = LeaseConfig(60.0)
PATIENCE = 30.0
REASON = (
    f"given up after {THRESHOLD} failed deliveries; last error: "
    "a start without a result: process died or lease ran out"
)


def explode(msg: OutboxMessage) -> None:
    """Say what was delivered; die of a bomb."""
    print(f"call {msg.seq} {msg.attempts}\n", end="", flush=True)
    if msg.json() == "bomb":
        os.kill(os.getpid(), signal.SIGKILL)


def work(url: str) -> None:
    """Deliver with threads until nothing is left."""
    declared = builder_for(url, lambda queue: queue.leased(explode, lease=LEASE))
    declared.quarantine(threshold=THRESHOLD, interval=0.05, min_age=0)
    with declared.start() as handle:
        eventually(lambda: all_delivered(handle.outbox), PATIENCE)


@pytest.mark.mp
@pytest.mark.slow
def test_what_kills_its_process_is_quarantined_and_nobody_else(bench: Bench, spawn: Spawn) -> None:
    bench.send("quiet", "bomb", "quiet", "quiet")
    lines: list[str] = []
    for _ in range(10):
        child = spawn(work, bench.database.url)
        code = child.wait(PATIENCE + 10)
        lines += child.lines
        if code == 0:
            break
        bench.end_lease()

    assert code == 0
    assert [(letter.seq, letter.reason) for letter in bench.dead()] == [(2, REASON)]
    # The first process died in a batch with another head, and a first start is not held against anyone.
    attempts = [int(line.split()[2]) for line in lines if line.startswith("call 2 ")]
    assert attempts == [0, *range(THRESHOLD + 1)]
    assert [line[:6] for line in lines if line.startswith("call ")][-2:] == ["call 3", "call 4"]


def crash(bench: Bench, attempts: int) -> None:
    """Leave partition 0 as a process does that dies in its handler."""
    bench.database.execute(
        "UPDATE outbox_processor SET attempts = ?, locked_by = 'gone', locked_until = ? WHERE partition_id = ?",
        attempts,
        bench.database.long_ago,
        bench.ids[0],
    )


@pytest.mark.parametrize(("attempts", "told"), [(1, []), (2, [(1, 1)])])
def test_a_start_without_a_result_is_told_once_the_message_came_alone(
    bench: Bench, attempts: int, told: list[tuple[int, int]]
) -> None:
    seen: list[list[tuple[int, int]]] = []
    ward = Ward(bench, lambda _msg: seen.append(ward.told()))
    bench.send("a")
    ward.hands.sequence()
    crash(bench, attempts)

    ward.hands.work()

    # Before the handler was called, for it may be the end of the process again.
    assert seen == [told]
    assert ward.told() == []
    assert bench.row().cursor == 1


def test_one_start_too_many_leaves_the_message_to_the_sweeper(bench: Bench) -> None:
    called: list[object] = []
    ward = Ward(bench, called.append)
    bench.send("bomb", "quiet")
    ward.hands.sequence()
    ward.accuse(1, failures=THRESHOLD - 1)
    crash(bench, 7)

    ward.hands.work()
    row = bench.row()
    assert (called, row.cursor, row.attempts, row.token, row.held) == ([], 0, 7, None, True)

    ward.sweep()
    ward.hands.work()

    assert [letter.seq for letter in bench.dead()] == [1]
    assert len(called) == 1
    assert bench.row().cursor == 2


class Broken(InMemoryFailureTracker):
    """Away."""

    def record_failure(self, key: FailureKey, error: object) -> int:
        del key, error
        raise OSError("the tracker is away")


def test_a_tracker_that_is_away_does_not_stop_the_delivery(bench: Bench) -> None:
    called: list[object] = []
    ward = Ward(bench, called.append, Broken())
    bench.send("a")
    ward.hands.sequence()
    crash(bench, 9)

    ward.hands.work()

    assert len(called) == 1
