"""Statements that fail inside a transactional handler."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import pytest

from outbox import OutboxMessage, Reject
from tests.acceptance.bench import Bench, Letter, at_rest, run_sql
from tests.acceptance.transactional.support import create_effects, effects, write_effect


@pytest.fixture(autouse=True)
def effects_table(bench: Bench) -> None:
    create_effects(bench.database)


def violate(conn: Any, msg: OutboxMessage) -> None:
    """Break the unique key of the effects."""
    write_effect(conn, msg)
    write_effect(conn, msg)


def test_a_failed_statement_is_a_retry_with_the_drivers_error_and_blocks_nothing(bench: Bench) -> None:
    def handler(conn: Any, msg: OutboxMessage) -> None:
        if msg.seq == 2 and msg.attempts == 0:
            violate(conn, msg)
        else:
            write_effect(conn, msg)

    hands = bench.by_hand(lambda queue: queue.transactional(handler))
    bench.send(*"abc")
    hands.work()
    cursor, attempts, error, token, held = bench.row()
    assert (cursor, attempts, token, held) == (1, 1, None, True)
    assert error is not None
    assert error.startswith(("UniqueViolation: ", "IntegrityError: "))
    assert effects(bench) == [1]
    bench.end_backoff()
    hands.work()
    assert effects(bench) == [1, 2, 3]
    assert bench.row() == at_rest(3)


def test_a_statement_that_fails_every_time_ends_in_the_dead_letters(bench: Bench) -> None:
    def handler(conn: Any, msg: OutboxMessage) -> None:
        if msg.seq == 1:
            run_sql(conn, "INSERT INTO no_such_table VALUES (1)")
        write_effect(conn, msg)

    hands = bench.by_hand(lambda queue: queue.transactional(handler, max_attempts=3))
    bench.send("a", "b")
    for _ in range(3):
        hands.work()
        bench.end_backoff()
    ((seq, reason, attempts),) = bench.dead()
    assert (seq, attempts) == (1, 3)
    assert "no_such_table" in reason
    assert effects(bench) == [2]


def test_a_reject_after_a_failed_statement_is_a_reject(bench: Bench) -> None:
    def handler(conn: Any, msg: OutboxMessage) -> Reject | None:
        if msg.seq != 2:
            write_effect(conn, msg)
            return None
        with suppress(Exception):
            violate(conn, msg)
        return Reject("a duplicate")

    hands = bench.by_hand(lambda queue: queue.transactional(handler))
    bench.send(*"abc")
    hands.turn()
    assert bench.dead() == [Letter(2, "a duplicate", 1)]
    assert effects(bench) == [1, 3]


def test_a_swallowed_error_commits_what_the_database_kept_or_is_retried_but_loses_nothing(
    bench: Bench,
) -> None:
    calls: list[int] = []

    def handler(conn: Any, msg: OutboxMessage) -> None:
        calls.append(msg.seq)
        if msg.seq == 2 and calls.count(2) == 1:
            with suppress(Exception):
                violate(conn, msg)
        else:
            write_effect(conn, msg)

    hands = bench.by_hand(lambda queue: queue.transactional(handler))
    bench.send(*"abc")
    for _ in range(2):
        hands.work()
        bench.end_backoff()
    assert effects(bench) == [1, 2, 3]
    # PostgreSQL gives the transaction up at the first error, the others only the statement.
    assert calls == ([1, 2, 2, 3] if bench.database.backend == "postgresql" else [1, 2, 3])
    assert bench.row() == at_rest(3)


@pytest.mark.parametrize("how", ["COMMIT", "ROLLBACK", "ROLLBACK and BEGIN"])
def test_a_handler_that_ends_the_transaction_is_told_so_and_retried(
    bench: Bench, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    seen: list[tuple[int, int]] = []

    def handler(conn: Any, msg: OutboxMessage) -> None:
        seen.append((msg.seq, msg.attempts))
        if msg.attempts == 0 and msg.seq == 1:
            for command in how.split(" and "):
                run_sql(conn, command)
        else:
            write_effect(conn, msg)

    hands = bench.by_hand(lambda queue: queue.transactional(handler))
    bench.send("a", "b")
    with caplog.at_level(logging.WARNING, "outbox"):
        hands.work()
    cursor, attempts, error, token, held = bench.row()
    assert (cursor, attempts, token, held) == (0, 1, None, True)
    assert error is not None
    assert "or use a leased handler" in error
    bench.end_backoff()
    hands.work()
    assert seen == [(1, 0), (1, 1), (2, 0)]
    assert effects(bench) == [1, 2]
    assert bench.row() == at_rest(2)


def test_a_handler_that_loses_its_connection_is_charged_on_another_one(bench: Bench) -> None:
    seen: list[tuple[int, int]] = []

    def handler(conn: Any, msg: OutboxMessage) -> None:
        seen.append((msg.seq, msg.attempts))
        write_effect(conn, msg)
        if msg.seq == 2 and len(seen) == 2:
            conn.close()

    hands = bench.by_hand(lambda queue: queue.transactional(handler, max_attempts=3))
    bench.send(*"abc")
    hands.work()
    # The writes of the first message went with the connection, and so did its cursor.
    cursor, attempts, error, token, held = bench.row()
    assert (cursor, attempts, token, held) == (0, 1, None, True)
    assert error
    assert effects(bench) == []
    bench.end_backoff()
    hands.work()
    assert seen == [(1, 0), (2, 0), (1, 1), (2, 0), (3, 0)]
    assert effects(bench) == [1, 2, 3]
    assert bench.dead() == []
