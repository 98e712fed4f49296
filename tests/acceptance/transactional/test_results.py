"""What a transactional handler answers, what it wrote, and what then stands in the tables."""

from __future__ import annotations

from typing import Any

import pytest

from outbox import OutboxMessage, Reject, Retry
from tests.acceptance.bench import Bench, Letter, Row, at_rest, run_sql
from tests.acceptance.transactional.support import create_effects, effects, write_effect


@pytest.fixture(autouse=True)
def effects_table(bench: Bench) -> None:
    create_effects(bench.database)


def test_writes_and_cursor_commit_together(bench: Bench) -> None:
    seen_outside: list[tuple[list[int], int]] = []

    def handler(conn: Any, msg: OutboxMessage) -> None:
        write_effect(conn, msg)
        seen_outside.append((effects(bench), bench.row().cursor))

    hands = bench.by_hand(lambda queue: queue.transactional(handler))
    bench.send(*"abc")
    hands.turn()
    assert seen_outside == [([], 0)] * 3
    assert effects(bench) == [1, 2, 3]
    assert bench.row() == at_rest(3)


def test_the_handler_reads_what_the_messages_before_it_wrote(bench: Bench) -> None:
    counts: list[int] = []

    def handler(conn: Any, msg: OutboxMessage) -> None:
        ((count,),) = run_sql(conn, "SELECT count(*) FROM effects").fetchall()
        counts.append(count)
        write_effect(conn, msg)

    hands = bench.by_hand(lambda queue: queue.transactional(handler))
    bench.send(*"abc")
    hands.turn()
    assert counts == [0, 1, 2]


@pytest.mark.parametrize("how", ["returned", "raised", "exception"])
def test_a_retry_undoes_its_own_writes_and_keeps_those_before(bench: Bench, how: str) -> None:
    seen: list[tuple[int, int]] = []

    def handler(conn: Any, msg: OutboxMessage) -> Retry | None:
        seen.append((msg.seq, msg.attempts))
        write_effect(conn, msg)
        if msg.seq != 3 or msg.attempts:
            return None
        if how == "exception":
            raise ValueError("third")
        if how == "raised":
            raise Retry("third")
        return Retry("third")

    hands = bench.by_hand(lambda queue: queue.transactional(handler))
    bench.send(*"abcde")
    hands.work()
    error = "ValueError: third" if how == "exception" else "third"
    assert effects(bench) == [1, 2]
    assert bench.row() == Row(cursor=2, attempts=1, error=error, token=None, held=True)
    bench.end_backoff()
    hands.work()
    assert seen == [(1, 0), (2, 0), (3, 0), (3, 1), (4, 0), (5, 0)]
    assert effects(bench) == [1, 2, 3, 4, 5]
    assert bench.row() == at_rest(5)


@pytest.mark.parametrize("how", ["returned", "raised"])
@pytest.mark.parametrize("which", [1, 3, 5])
def test_a_reject_undoes_its_own_writes_and_dead_letters_that_message_alone(
    bench: Bench, how: str, which: int
) -> None:
    def handler(conn: Any, msg: OutboxMessage) -> Reject | None:
        write_effect(conn, msg)
        if msg.seq != which:
            return None
        if how == "raised":
            raise Reject("no good")
        return Reject("no good")

    hands = bench.by_hand(lambda queue: queue.transactional(handler))
    bench.send(*"abcde")
    hands.turn()
    assert effects(bench) == [seq for seq in range(1, 6) if seq != which]
    assert bench.dead() == [Letter(which, "no good", 1)]
    assert bench.row() == at_rest(5)


def test_rejects_before_a_retry_are_committed_once(bench: Bench) -> None:
    def handler(conn: Any, msg: OutboxMessage) -> Reject | Retry | None:
        write_effect(conn, msg)
        if msg.seq == 2:
            return Reject("bad")
        return Retry("not yet") if msg.seq == 3 and msg.attempts < 2 else None

    hands = bench.by_hand(lambda queue: queue.transactional(handler))
    bench.send(*"abcd")
    for _ in range(3):
        hands.work()
        bench.end_backoff()
    assert bench.dead() == [Letter(2, "bad", 1)]
    assert effects(bench) == [1, 3, 4]
    assert bench.row() == at_rest(4)


def test_the_last_attempt_is_undone_and_dead_lettered_in_one_transaction(bench: Bench) -> None:
    def handler(conn: Any, msg: OutboxMessage) -> Retry | None:
        write_effect(conn, msg)
        return Retry("hopeless") if msg.seq == 1 else None

    hands = bench.by_hand(lambda queue: queue.transactional(handler, max_attempts=2))
    bench.send("a", "b")
    for _ in range(2):
        hands.work()
        bench.end_backoff()
    assert effects(bench) == [2]
    assert bench.dead() == [Letter(1, "hopeless", 2)]
    assert bench.row() == at_rest(2)


def test_a_stop_before_a_message_commits_what_is_done(bench: Bench) -> None:
    def handler(conn: Any, msg: OutboxMessage) -> None:
        write_effect(conn, msg)
        if msg.seq == 2:
            hands.stopping.set()

    hands = bench.by_hand(lambda queue: queue.transactional(handler))
    bench.send(*"abcd")
    hands.turn()
    assert effects(bench) == [1, 2]
    assert bench.row() == at_rest(2)


def test_there_is_no_cancel_point(bench: Bench) -> None:
    left: list[float] = []
    hands = bench.by_hand(lambda queue: queue.transactional(lambda _conn, msg: left.append(msg.remaining())))
    bench.send("a")
    hands.turn()
    assert left == [float("inf")]
