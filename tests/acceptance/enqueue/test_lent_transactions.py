"""``with outbox.transaction()``: it commits all of the block, or says that it has not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from typing import Any

import psycopg_pool
import pytest

from outbox import DatabaseError, Outbox
from tests.acceptance.bench import run_sql
from tests.acceptance.enqueue.support import PARTITIONS, QUEUE, assert_nothing_written, stored
from tests.support import Database

Habit = Callable[[Any], object]
BEGIN = {"mysql": "START TRANSACTION", "mariadb": "START TRANSACTION"}
KILL = {
    "postgresql": "SELECT pg_terminate_backend(pg_backend_pid())",
    "mysql": "KILL CONNECTION_ID()",
    "mariadb": "KILL CONNECTION_ID()",
}


@pytest.fixture(params=["url", "engine"])
def opened(request: pytest.FixtureRequest, tables: Database) -> Iterator[Outbox]:
    target: Any = tables.url if request.param == "url" else tables.engine()
    with Outbox.builder(target).queue(QUEUE, PARTITIONS).enqueue_only().open() as outbox:
        yield outbox


def write_and(habit: Habit, opened: Outbox) -> None:
    with opened.transaction() as conn:
        opened.enqueue(conn, QUEUE, b"x")
        habit(conn)


def assert_it_is_said(opened: Outbox, tables: Database, habit: Habit, said: str = ".") -> None:
    """See that the block ends with an error, and that the next one is sound."""
    with pytest.raises(DatabaseError, match=said):
        write_and(habit, opened)
    assert_nothing_written(tables)
    with opened.transaction() as conn:
        kept = opened.enqueue(conn, QUEUE, b"y")
    assert [row.id for row in stored(tables)] == [kept]


def swallow(conn: Any) -> None:
    with suppress(Exception):
        run_sql(conn, "SELECT * FROM no_such_table")


@pytest.mark.backends("postgresql")
def test_a_swallowed_error_that_aborts_the_transaction_is_said(opened: Outbox, tables: Database) -> None:
    assert_it_is_said(opened, tables, swallow, "a statement in the transaction failed")


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("habit", [swallow, lambda conn: conn.close()], ids=["swallowed", "closed"])
def test_it_is_said_for_a_connection_of_the_users_pool_too(tables: Database, habit: Habit) -> None:
    with (
        psycopg_pool.ConnectionPool(tables.url, min_size=1, max_size=2) as pool,
        Outbox.builder(pool).queue(QUEUE, PARTITIONS).enqueue_only().open() as outbox,
    ):
        assert_it_is_said(outbox, tables, habit)


@pytest.mark.backends("mysql", "mariadb", "sqlite")
def test_a_swallowed_error_that_leaves_the_transaction_sound_is_the_callers_business(
    opened: Outbox, tables: Database
) -> None:
    with opened.transaction() as conn:
        kept = opened.enqueue(conn, QUEUE, b"x")
        swallow(conn)
    assert [row.id for row in stored(tables)] == [kept]


def test_a_closed_connection_is_said(opened: Outbox, tables: Database) -> None:
    assert_it_is_said(opened, tables, lambda conn: conn.close())


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_lost_connection_is_said(opened: Outbox, tables: Database, backend: str) -> None:
    def lose(conn: Any) -> None:
        with suppress(Exception):
            run_sql(conn, KILL[backend])

    assert_it_is_said(opened, tables, lose)


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_connection_that_is_lost_at_the_commit_is_said(
    opened: Outbox, tables: Database, backend: str
) -> None:
    def lose_unseen(conn: Any) -> None:
        asked = "SELECT pg_backend_pid()" if backend == "postgresql" else "SELECT CONNECTION_ID()"
        ((number,),) = run_sql(conn, asked)
        end = f"SELECT pg_terminate_backend({number})" if backend == "postgresql" else f"KILL {number}"
        tables.execute(end)

    assert_it_is_said(opened, tables, lose_unseen)


def test_a_rollback_is_said(opened: Outbox, tables: Database) -> None:
    def roll_back(conn: Any) -> None:
        with suppress(Exception):  # psycopg refuses it, and SQLAlchemy refuses what comes after
            conn.rollback()
        run_sql(conn, "ROLLBACK")

    with pytest.raises(Exception, match=r"ended|closed|transaction"):
        write_and(roll_back, opened)
    assert_nothing_written(tables)
    assert opened.enqueue_now(QUEUE, b"y")


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_transaction_that_was_ended_and_begun_anew_is_said(
    opened: Outbox, tables: Database, backend: str, end: str
) -> None:
    def begin_anew(conn: Any) -> None:
        run_sql(conn, end)
        run_sql(conn, BEGIN.get(backend, "BEGIN"))
        opened.enqueue(conn, QUEUE, b"y")

    with pytest.raises(DatabaseError, match="ended by the code"):
        write_and(begin_anew, opened)
    # What was committed in the middle is, but nothing that came after.
    assert len(stored(tables)) == (end == "COMMIT")


def test_a_block_that_does_nothing_ends_well(opened: Outbox) -> None:
    with opened.transaction(), opened.transaction() if opened.backend.name != "sqlite" else nullcontext():
        pass


def test_an_error_of_the_block_passes_as_it_is(opened: Outbox, tables: Database) -> None:
    def fail(_conn: Any) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError):
        write_and(fail, opened)
    assert_nothing_written(tables)
