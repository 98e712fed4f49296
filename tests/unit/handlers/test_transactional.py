from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from outbox.handlers.outcome import Failed, Outcome
from outbox.handlers.transactional import TransactionalBatch, TransactionalPerMessage
from outbox.values.message import OutboxMessage
from outbox.values.results import HandlerResult, Reject, Retry
from tests.unit.handlers.support import TransactionalRun, insert, make_messages


@pytest.fixture
def turn() -> Iterator[TransactionalRun]:
    conn = sqlite3.connect(":memory:", isolation_level=None)
    conn.execute("CREATE TABLE effects (seq INTEGER PRIMARY KEY)")
    conn.execute("BEGIN")
    yield TransactionalRun(conn)
    conn.close()


def effects(turn: TransactionalRun) -> list[int]:
    turn.conn.execute("COMMIT")
    return [seq for (seq,) in turn.conn.execute("SELECT seq FROM effects ORDER BY seq")]


def writing(answers: Mapping[int, HandlerResult]) -> TransactionalPerMessage:
    def handler(conn: Any, message: OutboxMessage) -> HandlerResult:
        insert(conn, message.seq)
        return answers.get(message.seq)

    return TransactionalPerMessage(handler)


@pytest.mark.parametrize(
    ("answers", "outcome", "written"),
    [
        ({}, Outcome(4), [1, 2, 3, 4]),
        ({3: Retry("busy")}, Outcome(2, (), Failed("busy")), [1, 2]),
        ({1: Retry("busy")}, Outcome(0, (), Failed("busy")), []),
        ({2: Reject("bad")}, Outcome(4, ((1, "bad"),)), [1, 3, 4]),
        (
            {1: Reject("a"), 2: Reject("b"), 4: Retry("c")},
            Outcome(3, ((0, "a"), (1, "b")), Failed("c")),
            [3],
        ),
    ],
)
def test_only_what_succeeded_is_written(
    turn: TransactionalRun, answers: dict[int, HandlerResult], outcome: Outcome, written: list[int]
) -> None:
    assert turn.run(writing(answers), 4) == outcome
    assert effects(turn) == written


def test_a_failing_statement_is_a_retry_of_its_message(turn: TransactionalRun) -> None:
    def handler(conn: Any, message: OutboxMessage) -> None:
        insert(conn, message.seq)
        insert(conn, min(message.seq, 2) * 10)

    outcome = turn.run(TransactionalPerMessage(handler), 4)
    assert outcome.processed == 2
    assert outcome.failure == Failed("IntegrityError: UNIQUE constraint failed: effects.seq")
    assert effects(turn) == [1, 2, 10, 20]


def test_no_message_is_started_after_a_stop(turn: TransactionalRun) -> None:
    answers = iter([False, False, True])
    assert turn.run(writing({}), 4, cancelled=lambda: next(answers)) == Outcome(2)
    assert effects(turn) == [1, 2]


@pytest.mark.parametrize(
    ("answer", "outcome", "written"),
    [
        (None, Outcome(3), [1, 2, 3]),
        (Retry("busy"), Outcome(0, (), Failed("busy"), attributed=False), []),
        (Reject("bad"), Outcome(3, ((0, "bad"), (1, "bad"), (2, "bad"))), []),
    ],
)
def test_a_batch_is_written_as_a_whole_or_not_at_all(
    turn: TransactionalRun, answer: HandlerResult, outcome: Outcome, written: list[int]
) -> None:
    def handler(conn: Any, messages: Any) -> HandlerResult:
        for message in messages:
            insert(conn, message.seq)
        return answer

    assert turn.run(TransactionalBatch(handler), 3) == outcome
    assert effects(turn) == written


def test_the_failure_of_a_batch_of_one_is_attributed(turn: TransactionalRun) -> None:
    outcome = turn.run(TransactionalBatch(lambda conn, messages: Retry("busy")), 1)
    assert outcome == Outcome(0, (), Failed("busy"))


@pytest.mark.parametrize(
    ("handler", "steps"),
    [
        (writing({}), ["savepoint", "savepoint", "seal"]),
        (writing({2: Retry("busy")}), ["savepoint", "savepoint", "rollback"]),
        (writing({2: Reject("bad")}), ["savepoint", "savepoint", "rollback"]),
        (writing({1: Reject("bad")}), ["savepoint", "rollback", "seal"]),
        (TransactionalBatch(lambda conn, messages: None), ["savepoint", "seal"]),
    ],
)
def test_no_more_savepoints_are_set_than_messages_are_handled(
    turn: TransactionalRun, handler: Any, steps: list[str]
) -> None:
    seen: list[str] = []

    def step(name: str, action: Callable[[], None]) -> Callable[[], None]:
        return lambda: (seen.append(name), action())[1]

    handler.run(
        turn.conn,
        make_messages(2),
        step("savepoint", turn.savepoint),
        step("rollback", turn.rollback_to),
        lambda: False,
        seal=step("seal", lambda: None),
    )
    assert seen == steps


def test_a_batch_is_not_started_after_a_stop(turn: TransactionalRun) -> None:
    handler = TransactionalBatch(lambda conn, messages: pytest.fail("called"))
    assert turn.run(handler, 3, cancelled=lambda: True) == Outcome(0)
