"""Constraints that are checked at the commit, after the handler has returned: Django's foreign keys are."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from sqlalchemy import event

from outbox import OutboxMessage
from tests.acceptance.bench import Bench, Row, run_sql

pytestmark = pytest.mark.backends("postgresql", "sqlite")

CHILD = "CREATE TABLE children (seq INTEGER NOT NULL REFERENCES parents (seq) DEFERRABLE INITIALLY DEFERRED)"


def enforce(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


@pytest.fixture
def target(bench: Bench) -> object:
    """An Engine whose connections keep foreign keys, and tables with one; 2 has no parent."""
    bench.database.execute("CREATE TABLE parents (seq INTEGER PRIMARY KEY)")
    bench.database.execute(CHILD)
    bench.database.execute("INSERT INTO parents VALUES (1), (3), (4)")
    engine = bench.database.engine()
    if bench.database.backend == "sqlite":
        event.listen(engine, "connect", enforce)
    return engine


def adopt(conn: Any, msg: OutboxMessage) -> None:
    run_sql(conn, "INSERT INTO children VALUES (?)", msg.seq)


def children(bench: Bench) -> list[int]:
    return [seq for (seq,) in bench.database.query("SELECT seq FROM children ORDER BY seq")]


def test_a_commit_that_fails_is_a_retry_with_its_reason_and_its_backoff(bench: Bench, target: object) -> None:
    hands = bench.by_hand(lambda queue: queue.transactional(adopt), target=target)
    bench.send("a")
    bench.send("b")
    bench.database.execute("DELETE FROM parents WHERE seq = 1")
    hands.work()

    row = bench.row()
    assert (row.cursor, row.attempts, row.token, row.held) == (0, 1, None, True)
    assert row.error is not None
    assert "foreign key constraint" in row.error.lower()
    assert children(bench) == []


def test_the_message_whose_commit_fails_every_time_is_found_and_dead_lettered_alone(
    bench: Bench, target: object
) -> None:
    hands = bench.by_hand(lambda queue: queue.transactional(adopt, max_attempts=3), target=target)
    bench.send(*"abcd")
    for _ in range(12):
        hands.work()
        bench.end_backoff()

    ((seq, reason, attempts),) = bench.dead()
    assert (seq, attempts) == (2, 3)
    assert "foreign key constraint" in reason.lower()
    assert children(bench) == [1, 3, 4]
    assert bench.row() == Row(cursor=4, attempts=0, error=None, token=None, held=False)
