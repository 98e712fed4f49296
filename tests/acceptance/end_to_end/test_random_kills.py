"""Workers are killed at random under load, and every promise holds."""

from __future__ import annotations

import os
import random
import time
from collections import defaultdict

import pytest

from outbox import Outbox, OutboxStatus
from tests.acceptance.end_to_end.crowd import (
    COLUMNS,
    DELIVERIES,
    LEASED,
    PARTITIONS,
    TABLES,
    TRANSACTIONAL,
    produce,
    work,
)
from tests.support import Database, Spawn, eventually
from tests.support.processes import Child

# `make soak` sets it higher.
SECONDS = float(os.environ.get("OUTBOX_SOAK_SECONDS", "6"))
WORKERS = 3
PRODUCERS = 2
SETTLING = 60.0


@pytest.mark.mp
@pytest.mark.slow
def test_nothing_is_lost_or_reordered_and_no_effect_doubled_when_workers_are_killed(
    migrated: Database, spawn: Spawn
) -> None:
    create_tables(migrated)
    producers = [spawn(produce, migrated.url, SECONDS, seed) for seed in range(PRODUCERS)]
    workers = [spawn(work, migrated.url) for _ in range(WORKERS)]
    kill_and_replace(migrated, spawn, workers, until=time.monotonic() + SECONDS)
    for producer in producers:
        producer.succeed(SECONDS + SETTLING)
    settle(migrated)
    for worker in workers:
        worker.kill()
    check_leased(migrated)
    check_transactional(migrated)


def create_tables(database: Database) -> None:
    for table in TABLES:
        database.execute(table)
    database.execute(f"CREATE TABLE deliveries ({DELIVERIES[database.backend]}, {COLUMNS})")


def kill_and_replace(database: Database, spawn: Spawn, workers: list[Child], *, until: float) -> None:
    dice = random.Random(7)
    while time.monotonic() < until:
        victim = dice.randrange(len(workers))
        workers[victim].wait_for_line("working", 30)
        time.sleep(dice.uniform(0.0, 0.5))  # the moment of the kill is the random input of this test
        workers[victim].kill()
        workers[victim] = spawn(work, database.url)


def settle(database: Database) -> None:
    """Wait until everything that was committed is finished."""
    builder = Outbox.builder(database.url).queue(LEASED, PARTITIONS).enqueue_only()
    with builder.queue(TRANSACTIONAL, PARTITIONS).enqueue_only().open() as outbox:
        eventually(lambda: unfinished(outbox.status()) == 0, SETTLING, what="everything is finished")


def unfinished(status: OutboxStatus) -> int:
    return sum(partition.incoming + partition.backlog for partition in status.partitions)


def check_leased(database: Database) -> None:
    produced = {row[0] for row in database.query("SELECT message_id FROM produced WHERE queue = ?", LEASED)}
    seqs: dict[int, list[int]] = defaultdict(list)
    seen = set()
    for partition_id, seq, message_id in database.query(
        "SELECT partition_id, seq, message_id FROM deliveries ORDER BY id"
    ):
        seen.add(message_id)
        if seq not in seqs[partition_id]:
            seqs[partition_id].append(seq)
    assert len(produced) > 50
    assert seen == produced
    # First deliveries come in order, and no number is missing.
    assert all(order == list(range(1, len(order) + 1)) for order in seqs.values())


def check_transactional(database: Database) -> None:
    produced = {
        row[0] for row in database.query("SELECT message_id FROM produced WHERE queue = ?", TRANSACTIONAL)
    }
    effects = [row[0] for row in database.query("SELECT message_id FROM effects")]
    assert len(produced) > 50
    assert sorted(effects) == sorted(produced)
