"""What a handler tells its session changes nothing about where the outbox writes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

import outbox
from outbox import Outbox, OutboxError, OutboxMessage
from tests.acceptance.bench import Bench, at_rest, run_sql
from tests.acceptance.transactional.habits import HABITS, state


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


def test_no_message_finds_the_session_as_another_one_left_it(bench: Bench, backend: str) -> None:
    found: dict[str, object] = {}

    def handler(conn: Any, msg: OutboxMessage) -> None:
        found[msg.json()] = state(conn, backend)
        if msg.attempts == 0 and (habit := HABITS[backend].get(msg.json())):
            habit(conn)

    hands = bench.by_hand(lambda queue: queue.transactional(handler))
    for name in ("first", *HABITS[backend], "last"):
        bench.send(name)
        hands.work()
        # What the outbox itself could not write then counts as a failure of that message.
        bench.end_backoff()
        hands.work()
    assert bench.row() == at_rest(len(HABITS[backend]) + 2)
    assert {name: seen for name, seen in found.items() if seen != found["first"]} == {}


def test_a_handler_finds_the_session_as_no_block_of_a_transaction_left_it(bench: Bench, backend: str) -> None:
    found: list[object] = []
    hands = bench.by_hand(
        lambda queue: queue.transactional(lambda conn, _msg: found.append(state(conn, backend)))
    )
    bench.send("a")
    hands.work()
    for name, habit in HABITS[backend].items():
        # A failed SET of a read-only kind, or a role, may fail the block: it is then told so.
        with suppress(OutboxError), hands.outbox.transaction() as conn:
            habit(conn)
        bench.send(name)
        hands.work()
    assert found == [found[0]] * (len(HABITS[backend]) + 1)


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_connection_that_a_handler_had_is_used_again(bench: Bench, backend: str) -> None:
    number = "SELECT pg_backend_pid()" if backend == "postgresql" else "SELECT CONNECTION_ID()"
    numbers = []
    hands = bench.by_hand(
        lambda queue: queue.transactional(lambda conn, _msg: numbers.append(run_sql(conn, number).fetchone()))
    )
    for payload in "abc":
        bench.send(payload)
        hands.work()
    assert len(numbers) == 3
    assert len(set(numbers)) == 1
