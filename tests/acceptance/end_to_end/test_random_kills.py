"""Workers are killed at random under load, and every promise holds."""

from __future__ import annotations

import os
import random
import time
from collections import defaultdict
from typing import Any

import pytest

from outbox import Outbox, OutboxStatus
from tests.acceptance.end_to_end.crowd import (
    COLUMNS,
    LEASED,
    PARTITIONS,
    PRODUCED,
    TRANSACTIONAL,
    WRITTEN,
    produce,
    rejected,
    work,
)
from tests.support import Database, Spawn, eventually
from tests.support.processes import Child

# `make soak` sets it higher.
SECONDS = float(os.environ.get("OUTBOX_SOAK_SECONDS", "6"))
WORKERS = 3
PRODUCERS = 2
SETTLING = 60.0

Entry = tuple[Any, ...]
"""Partition, number and id of a message."""


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
    database.execute(f"CREATE TABLE produced ({PRODUCED})")
    for table in ("deliveries", "effects"):
        database.execute(f"CREATE TABLE {table} ({WRITTEN[database.backend]}, {COLUMNS})")


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
    """Every message came at least once, and each partition's first deliveries in order."""
    deliveries = written(database, "deliveries")
    assert {message_id for *_, message_id in deliveries} == set(produced(database, LEASED))
    check_dead_letters(database, LEASED)
    assert gapless(deliveries)


def check_transactional(database: Database) -> None:
    """Every message has one effect or one dead letter, and each partition's effects are in order."""
    effects = written(database, "effects")
    accepted = [message_id for message_id in produced(database, TRANSACTIONAL) if not rejected(message_id)]
    assert sorted(message_id for *_, message_id in effects) == accepted
    check_dead_letters(database, TRANSACTIONAL)
    assert all(order == sorted(order) for order in numbers(effects))
    assert gapless(sorted([*effects, *dead_letters(database, TRANSACTIONAL)]))


def check_dead_letters(database: Database, queue: str) -> None:
    """The rejected messages have one each, the others none."""
    wanted = [message_id for message_id in produced(database, queue) if rejected(message_id)]
    assert wanted, "nothing was rejected"
    assert sorted(message_id for *_, message_id in dead_letters(database, queue)) == wanted


def produced(database: Database, queue: str) -> list[int]:
    """Return the ids of all messages that were committed, which are many."""
    sql = "SELECT message_id FROM produced WHERE queue = ? ORDER BY message_id"
    ids = [row[0] for row in database.query(sql, queue)]
    assert len(ids) > 50
    return ids


def written(database: Database, table: str) -> list[Entry]:
    """Return what the handlers wrote, in the order in which they did."""
    return database.query(f"SELECT partition_id, seq, message_id FROM {table} ORDER BY id")


def dead_letters(database: Database, queue: str) -> list[Entry]:
    return database.query(
        "SELECT d.partition_id, d.seq, d.message_id FROM outbox_dead_letters d "
        "JOIN outbox_partitions p ON p.id = d.partition_id WHERE p.queue = ?",
        queue,
    )


def numbers(entries: list[Entry]) -> list[list[int]]:
    """Return the numbers of each partition's messages, in the order in which they came first."""
    found: dict[int, dict[int, None]] = defaultdict(dict)
    for partition_id, seq, _ in entries:
        found[partition_id].setdefault(seq)
    return [list(seqs) for seqs in found.values()]


def gapless(entries: list[Entry]) -> bool:
    return all(order == list(range(1, len(order) + 1)) for order in numbers(entries))
