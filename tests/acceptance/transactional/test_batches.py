"""Transactional batches: all or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from outbox import OutboxMessage, Reject, Retry
from tests.acceptance.bench import Bench, Letter, Row, at_rest
from tests.acceptance.transactional.support import create_effects, effects, write_effect


@pytest.fixture(autouse=True)
def effects_table(bench: Bench) -> None:
    create_effects(bench.database)


def test_a_batch_commits_as_a_whole(bench: Bench) -> None:
    sizes: list[int] = []

    def handler(conn: Any, msgs: list[OutboxMessage]) -> None:
        sizes.append(len(msgs))
        for msg in msgs:
            write_effect(conn, msg)

    hands = bench.by_hand(lambda queue: queue.transactional_batch(handler))
    bench.send(*"abcde")
    hands.turn()
    assert sizes == [5]
    assert effects(bench) == [1, 2, 3, 4, 5]
    assert bench.row() == at_rest(5)


@pytest.mark.parametrize("how", ["returned", "exception"])
def test_a_retry_undoes_the_whole_batch(bench: Bench, how: str) -> None:
    calls: list[list[tuple[int, int]]] = []

    def handler(conn: Any, msgs: list[OutboxMessage]) -> Retry | None:
        calls.append([(msg.seq, msg.attempts) for msg in msgs])
        for msg in msgs[:2]:
            write_effect(conn, msg)
        if len(calls) > 1:
            return None
        if how == "exception":
            raise ValueError("in the middle")
        return Retry("in the middle")

    hands = bench.by_hand(lambda queue: queue.transactional_batch(handler))
    bench.send(*"abc")
    hands.work()
    error = "ValueError: in the middle" if how == "exception" else "in the middle"
    assert effects(bench) == []
    assert bench.row() == Row(cursor=0, attempts=1, error=error, token=None, held=True)
    bench.end_backoff()
    hands.work()
    assert calls == [[(1, 0), (2, 0), (3, 0)], [(1, 1), (2, 0), (3, 0)]]
    assert bench.row() == at_rest(3)


def test_a_reject_undoes_the_writes_and_dead_letters_the_whole_batch(bench: Bench) -> None:
    def handler(conn: Any, msgs: list[OutboxMessage]) -> Reject:
        for msg in msgs:
            write_effect(conn, msg)
        return Reject("all of it")

    hands = bench.by_hand(lambda queue: queue.transactional_batch(handler))
    bench.send(*"abc")
    hands.turn()
    assert effects(bench) == []
    assert bench.dead() == [Letter(seq, "all of it", 1) for seq in (1, 2, 3)]
    assert bench.row() == at_rest(3)


def test_a_failed_statement_undoes_the_whole_batch(bench: Bench) -> None:
    def handler(conn: Any, msgs: list[OutboxMessage]) -> None:
        for msg in msgs:
            write_effect(conn, msg)
        if msgs[0].attempts == 0:
            write_effect(conn, msgs[0])

    hands = bench.by_hand(lambda queue: queue.transactional_batch(handler))
    bench.send(*"abc")
    hands.work()
    assert effects(bench) == []
    assert bench.row()[:2] == (0, 1)
    bench.end_backoff()
    hands.work()
    assert effects(bench) == [1, 2, 3]
