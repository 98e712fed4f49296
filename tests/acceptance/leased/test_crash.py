"""A process that is killed in the middle of a message."""

from __future__ import annotations

import os
import signal
import time

import pytest

from outbox import LeaseConfig, OutboxMessage
from tests.acceptance.bench import Bench, Hands, Row, builder_for
from tests.support import Spawn, eventually

LEASE = 3.0
HEADROOM = 0.2


def die_in_the_handler(url: str) -> None:
    """Take the lease, say until when it lasts by the monotonic clock, and die."""

    def handler(msg: OutboxMessage) -> None:
        print("leased until", time.monotonic() + msg.remaining() + HEADROOM, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

    lease = LeaseConfig(LEASE, headroom=HEADROOM)
    Hands(builder_for(url, lambda queue: queue.leased(handler, lease=lease))).work()


@pytest.mark.mp
def test_after_a_kill_the_next_owner_delivers_when_the_lease_is_over_and_sees_the_attempt(
    bench: Bench, spawn: Spawn
) -> None:
    seen: list[tuple[int, int]] = []
    delivered_at: list[float] = []

    def handler(msg: OutboxMessage) -> None:
        delivered_at.append(time.monotonic())
        seen.append((msg.seq, msg.attempts))

    hands = bench.by_hand(lambda queue: queue.leased(handler))
    bench.send("a", "b")
    child = spawn(die_in_the_handler, bench.database.url)
    assert child.wait() == -signal.SIGKILL
    leased_until = float(child.wait_for_line(r"leased until (\S+)")[1])
    row = bench.row()
    assert (row.cursor, row.attempts, row.held) == (0, 1, True)
    assert row.token is not None
    assert f":{child.pid}:" in row.token

    def delivered() -> bool:
        hands.work()
        return len(seen) == 2

    eventually(delivered)
    # The two clocks may differ by a little: the lease is the database's.
    assert delivered_at[0] >= leased_until - 0.02
    assert seen == [(1, 1), (2, 0)]
    assert bench.row() == Row(cursor=2, attempts=0, error=None, token=None, held=False)


@pytest.mark.mp
def test_running_workers_deliver_what_a_killed_process_left_behind(bench: Bench, spawn: Spawn) -> None:
    seen: list[tuple[int, int]] = []
    bench.send("a")
    child = spawn(die_in_the_handler, bench.database.url)
    assert child.wait() == -signal.SIGKILL
    bench.on_threads(lambda queue: queue.leased(lambda msg: seen.append((msg.seq, msg.attempts))))
    eventually(lambda: seen == [(1, 1)], LEASE + 5)
