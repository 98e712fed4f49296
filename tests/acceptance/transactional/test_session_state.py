"""What a handler tells its session changes nothing about where the outbox writes."""

from __future__ import annotations

from typing import Any

import pytest

import outbox
from outbox import Outbox, OutboxMessage
from tests.acceptance.bench import Bench, run_sql


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("built_from", ["url", "engine"])
def test_a_search_path_leads_to_no_other_outbox(bench: Bench, built_from: str) -> None:
    bench.database.execute("CREATE SCHEMA tenant")
    outbox.migrate(bench.database.url, schema="tenant")
    tenant = Outbox.builder(bench.database.url).schema("tenant").queue("orders", 1).enqueue_only()

    def handler(conn: Any, _msg: OutboxMessage) -> None:
        run_sql(conn, "SET search_path TO tenant")

    target = bench.database.engine() if built_from == "engine" else None
    hands = bench.by_hand(lambda queue: queue.transactional(handler), target=target)
    with tenant.open() as other:
        other.enqueue_now("orders", b"theirs")
        bench.send("a", "b")
        hands.work()
        assert bench.row()[0] == 2
        [theirs] = other.status().partitions
        assert (theirs.processed_seq, theirs.incoming + theirs.backlog) == (0, 1)


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("built_from", ["url", "engine"])
@pytest.mark.parametrize(
    "habit", ["PRAGMA query_only = ON", "ATTACH ':memory:' AS more", "CREATE TEMP TABLE own (id)"]
)
def test_a_connection_that_a_handler_had_is_not_used_again(bench: Bench, built_from: str, habit: str) -> None:
    seen: list[tuple[int, Any]] = []

    def handler(conn: Any, msg: OutboxMessage) -> None:
        state = [
            list(run_sql(conn, look))
            for look in ("PRAGMA query_only", "PRAGMA database_list", "SELECT name FROM sqlite_temp_master")
        ]
        seen.append((msg.seq, [len(state[1]), state[0][0][0], state[2]]))
        if msg.seq == 2 and msg.attempts == 0:
            run_sql(conn, habit)

    target = bench.database.engine() if built_from == "engine" else None
    hands = bench.by_hand(lambda queue: queue.transactional(handler), target=target)
    for payload in "abc":
        bench.send(payload)
        for _ in range(2):
            hands.work()
            bench.end_backoff()
    assert bench.row()[0] == 3
    assert {str(state) for _, state in seen} == {str(seen[0][1])}
