"""Vacuums of several processes, and one that is killed at any point."""

from __future__ import annotations

import signal
import time
from itertools import count

import pytest

from outbox import EnqueueMessage, WorkerTuning
from tests.acceptance.bench import PARTITIONS, QUEUE, Bench, Hands, builder_for
from tests.budgets.wire import tapped
from tests.support import Spawn, eventually

MESSAGES = 300
CHUNK = WorkerTuning.vacuum_adaptive().replace(batch_size=7)
# What a round sends at least.
STATEMENTS = {"postgresql": 1, "mysql": 4, "mariadb": 4, "sqlite": 6}


def process(bench: Bench, messages: int) -> None:
    """Deliver so many messages of every partition."""
    with bench.producer.transaction() as conn:
        batch = [EnqueueMessage("x", partition=n % PARTITIONS) for n in range(messages * PARTITIONS)]
        bench.producer.enqueue_batch(conn, QUEUE, batch)
    bench.by_hand(lambda queue: queue.leased(lambda _msg: None)).work()


def sweep_for_ever(url: str) -> None:
    """Run rounds of the vacuum until killed, and say how many messages it deleted so far."""
    hands = Hands(builder_for(url, lambda queue: queue.leased(print), vacuum_tuning=CHUNK))
    vacuum = hands.pipeline.vacuum()
    print("vacuumed 0", flush=True)
    while True:
        vacuum.run_once()
        print("vacuumed", hands.pipeline.counters.snapshot().get("vacuumed", 0), flush=True)
        # SQLite's lock is hard to get from somebody who wants it back at once.
        time.sleep(0.001)


def sweep_and_die(url: str, number: int) -> None:
    """Run one round, and be killed before its n-th statement."""
    with tapped(url) as wire:
        hands = Hands(builder_for(wire.url, lambda queue: queue.leased(print)))
        wire.tap.die_at(number)
        hands.pipeline.vacuum().run_once()


@pytest.mark.mp
def test_two_processes_vacuum_side_by_side_and_delete_every_row_once(bench: Bench, spawn: Spawn) -> None:
    children = [spawn(sweep_for_ever, bench.database.url) for _ in range(2)]
    for child in children:
        child.wait_for_line("vacuumed")
    rounds = count(1)

    def shares() -> list[int]:
        return [int(child.lines[-1].split()[1]) for child in children]

    def both_took_part() -> int:
        """Give them something to delete; return how often that was, once each has deleted some of it."""
        number = next(rounds)
        process(bench, MESSAGES)
        eventually(lambda: bench.database.count("outbox_body") == 0, 30)
        return number if all(shares()) else 0

    processed = eventually(both_took_part, 60, what="both took part") * MESSAGES
    assert bench.database.count("outbox_outgoing") == 0
    eventually(lambda: sum(shares()) == processed * PARTITIONS)
    assert bench.database.query("SELECT vacuumed_seq FROM outbox_vacuum") == [(processed,)] * PARTITIONS


@pytest.mark.mp
def test_a_vacuum_killed_between_any_two_statements_leaves_nothing_behind(bench: Bench, spawn: Spawn) -> None:
    process(bench, 5)
    rows = 5 * PARTITIONS
    for number in count(1):
        child = spawn(sweep_and_die, bench.database.url, number)
        if child.wait() == 0:
            break
        assert child.wait() == -signal.SIGKILL
        assert bench.database.count("outbox_outgoing") == bench.database.count("outbox_body") == rows
    assert number > STATEMENTS[bench.database.backend]
    assert bench.database.count("outbox_outgoing") == bench.database.count("outbox_body") == 0
    assert bench.database.query("SELECT vacuumed_seq FROM outbox_vacuum") == [(5,)] * PARTITIONS
