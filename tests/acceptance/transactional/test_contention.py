"""A lost race for a lock inside a transactional handler says nothing about the message."""

from __future__ import annotations

from typing import Any

import pytest

from outbox import OutboxMessage
from tests.acceptance.bench import Bench, run_sql

# The server itself raises its deadlock error.
DEADLOCK = {
    "postgresql": "DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$",
    "mysql": "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213",
    "mariadb": "SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213",
}


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_deadlock_does_not_count_as_a_failed_delivery(bench: Bench) -> None:
    calls: list[int] = []

    def handler(conn: Any, msg: OutboxMessage) -> None:
        calls.append(msg.attempts)
        if len(calls) <= 2:
            run_sql(conn, DEADLOCK[bench.database.backend])

    hands = bench.by_hand(lambda queue: queue.transactional(handler, max_attempts=1))
    bench.send("a")
    for _ in range(3):
        hands.work()
        bench.end_backoff()
    assert calls == [0, 0, 0]
    assert bench.row().cursor == 1
    assert bench.dead() == []
