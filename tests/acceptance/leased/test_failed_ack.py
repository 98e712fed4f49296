"""An ack that does not get through."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from outbox import LeaseConfig, OutboxMessage
from outbox.errors import ConnectionLost, Contention
from tests.acceptance.bench import Bench, Row
from tests.support import Database, eventually

LEASE = LeaseConfig(2.0, headroom=0.5)

_MYSQL_OTHERS = (
    "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
)
OTHERS = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": _MYSQL_OTHERS,
    "mariadb": _MYSQL_OTHERS,
}
_MYSQL_WAITING = """
SELECT p.id FROM information_schema.processlist p JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id
WHERE p.db = database() AND t.trx_state = 'LOCK WAIT'
"""
WAITING = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    "mysql": _MYSQL_WAITING,
    "mariadb": _MYSQL_WAITING,
}


def cut(database: Database, which: dict[str, str]) -> None:
    """Cut the connections that the query finds."""
    kill = "SELECT pg_terminate_backend(?)" if database.backend == "postgresql" else "KILL CONNECTION ?"
    with closing(database.connect(autocommit=True)) as conn:
        cursor = conn.cursor()
        cursor.execute(which[database.backend])
        for (number,) in cursor.fetchall():
            cursor.execute(kill.replace("?", "%s"), (number,))
            if cursor.description:
                cursor.fetchall()


@contextmanager
def cutting_whoever_waits(database: Database) -> Iterator[None]:
    """Cut every connection that waits for a lock, again and again."""
    done = threading.Event()

    def keep_cutting() -> None:
        # MariaDB shows who waits anew only to somebody who has not asked for 0.1 seconds.
        while not done.wait(0.15):
            cut(database, WAITING)

    thread = threading.Thread(target=keep_cutting)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_an_ack_whose_connection_was_cut_goes_through_on_another_one(bench: Bench) -> None:
    seen: list[int] = []

    def handler(msg: OutboxMessage) -> None:
        cut(bench.database, OTHERS)
        seen.append(msg.seq)

    hands = bench.by_hand(lambda queue: queue.leased(handler))
    bench.send("a")
    hands.turn()
    assert bench.row() == Row(cursor=1, attempts=0, error=None, token=None, held=False)
    hands.work()
    assert seen == [1]


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_an_ack_that_is_cut_every_time_blocks_the_partition_for_no_longer_than_the_lease(
    bench: Bench,
) -> None:
    seen: list[tuple[int, int]] = []
    obstacle = bench.database.connect()

    def handler(msg: OutboxMessage) -> None:
        seen.append((msg.seq, msg.attempts))
        if msg.attempts == 0:
            obstacle.cursor().execute("UPDATE outbox_processor SET last_error = last_error")

    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=LEASE))
    bench.send("a")
    with cutting_whoever_waits(bench.database), pytest.raises(ConnectionLost):
        hands.turn()
    obstacle.rollback()
    row = bench.row()
    assert (row.cursor, row.attempts, row.held) == (0, 1, True)
    assert_delivered_after_the_lease(bench, hands.work, seen)


@pytest.mark.backends("sqlite")
def test_an_ack_that_finds_the_file_locked_blocks_the_partition_for_no_longer_than_the_lease(
    bench: Bench,
) -> None:
    seen: list[tuple[int, int]] = []
    obstacle = bench.database.connect(autocommit=True)

    def handler(msg: OutboxMessage) -> None:
        seen.append((msg.seq, msg.attempts))
        if msg.attempts == 0:
            obstacle.execute("BEGIN IMMEDIATE")

    target = f"{bench.database.url}?timeout=0.05"
    hands = bench.by_hand(lambda queue: queue.leased(handler, lease=LEASE), target=target)
    bench.send("a")
    with pytest.raises(Contention):
        hands.turn()
    obstacle.execute("ROLLBACK")
    row = bench.row()
    assert (row.cursor, row.attempts, row.held) == (0, 1, True)
    assert_delivered_after_the_lease(bench, hands.work, seen)


def assert_delivered_after_the_lease(
    bench: Bench, work: Callable[[], None], seen: list[tuple[int, int]]
) -> None:
    held_for = bench.held_for()
    assert held_for <= LEASE.duration
    eventually(lambda: work() or seen == [(1, 0), (1, 1)], held_for + 10)
    assert bench.row() == Row(cursor=1, attempts=0, error=None, token=None, held=False)
