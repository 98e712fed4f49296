"""A handler that breaks the connection that it was given is charged for it, whether it says so or not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from outbox import Outbox, OutboxMessage
from outbox.testing import drain
from tests.acceptance.bench import QUEUE, Bench, run_sql
from tests.acceptance.transactional.support import create_effects, effects, write_effect

Habit = Callable[[Any, Bench], object]


@pytest.fixture(autouse=True)
def effects_table(bench: Bench) -> None:
    create_effects(bench.database)


def close(conn: Any, _bench: Bench) -> None:
    conn.close()


def commit(conn: Any, _bench: Bench) -> None:
    run_sql(conn, "COMMIT")


def roll_back(conn: Any, _bench: Bench) -> None:
    run_sql(conn, "ROLLBACK")


def lose(conn: Any, bench: Bench) -> None:
    """Have the server end the session, and notice nothing of it."""
    postgres = bench.database.backend == "postgresql"
    ((number,),) = run_sql(conn, "SELECT pg_backend_pid()" if postgres else "SELECT CONNECTION_ID()")
    bench.database.execute(f"SELECT pg_terminate_backend({number})" if postgres else f"KILL {number}")


def lose_and_swallow(conn: Any, bench: Bench) -> None:
    lose(conn, bench)
    with suppress(Exception):
        run_sql(conn, "SELECT 1")


def assert_charged(bench: Bench, habit: Habit, target: object | None, *, raises: bool) -> None:
    """See that the message that breaks it is given up after three calls, and that the rest follows."""
    calls: list[int] = []

    def handler(conn: Any, msg: OutboxMessage) -> None:
        calls.append(msg.seq)
        if msg.seq == 1:
            habit(conn, bench)
            if raises:
                raise OSError("broken")
        else:
            write_effect(conn, msg)

    hands = bench.by_hand(
        lambda queue: queue.transactional(handler, max_attempts=3), **({"target": target} if target else {})
    )
    bench.send(*"abc")
    for _ in range(6):
        hands.work()
        bench.end_backoff()
    ((seq, reason, attempts),) = bench.dead()
    assert (seq, attempts, calls.count(1)) == (1, 3, 3), reason
    assert effects(bench) == [2, 3]
    assert bench.row()[0] == 3


@pytest.mark.parametrize("built_from", ["url", "engine"])
@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("habit", [close, commit, roll_back])
def test_a_handler_that_ends_its_transaction(
    bench: Bench, habit: Habit, built_from: str, raises: bool
) -> None:
    target = bench.database.engine() if built_from == "engine" else None
    assert_charged(bench, habit, target, raises=raises)


@pytest.mark.backends("postgresql", "mysql", "mariadb")
@pytest.mark.parametrize("built_from", ["url", "engine"])
@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("habit", [lose, lose_and_swallow])
def test_a_handler_that_loses_its_connection(
    bench: Bench, habit: Habit, built_from: str, raises: bool
) -> None:
    target = bench.database.engine() if built_from == "engine" else None
    assert_charged(bench, habit, target, raises=raises)


def test_a_drain_delivers_again_what_broke_its_connection(bench: Bench) -> None:
    calls: list[int] = []

    def handler(conn: Any, msg: OutboxMessage) -> None:
        calls.append(msg.attempts)
        if msg.attempts == 0:
            close(conn, bench)

    bench.send("a")
    builder = Outbox.builder(bench.database.url).queue(QUEUE, 4).transactional(handler)
    assert [drain(builder).left for _ in range(2)] == [1, 0]
    assert calls == [0, 1]


@pytest.mark.backends("postgresql")
def test_what_a_handler_sets_for_its_rows_concerns_no_statement_of_the_outbox(bench: Bench) -> None:
    def make_rows_impossible(conn: Any, _msg: OutboxMessage) -> None:
        conn.row_factory = None

    hands = bench.by_hand(lambda queue: queue.transactional(make_rows_impossible))
    bench.send("a", "b")
    hands.work()
    assert bench.row().cursor == 2
