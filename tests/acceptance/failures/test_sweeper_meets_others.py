"""The sweeper meets those who work on the same partition."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import pytest

from outbox import OutboxMessage, Retry
from outbox.backends.protocol import Backend
from outbox.workers.sweeper import QuarantineResult, dead_letter_head
from tests.acceptance.bench import Bench, Letter, Row
from tests.acceptance.failures.support import REASON, THRESHOLD, Ward, accusation


@pytest.mark.parametrize("mode", ["leased", "transactional"])
def test_a_processor_that_is_quick_does_not_deliver_what_is_being_given_up(bench: Bench, mode: str) -> None:
    delivered: list[object] = []

    def handler(msg: OutboxMessage) -> Retry:
        delivered.append(msg.json())
        return Retry("bad", delay=3600)

    class Quick:
        """A processor looks for work whenever the sweeper is done with the backend, or has committed."""

        def __init__(self, backend: Backend) -> None:
            self._backend = backend

        def __getattr__(self, name: str) -> Any:
            asked = getattr(self._backend, name)
            return partial(self._ask, asked) if callable(asked) else asked

        def _ask(self, asked: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
            answer = asked(*arguments, **options)
            if isinstance(answer, AbstractContextManager):
                return self._lend(answer)
            ward.hands.work()
            return answer

        @contextmanager
        def _lend(self, lent: AbstractContextManager[Any]) -> Iterator[Any]:
            with lent as answer:
                yield answer
            ward.hands.work()

    ward = Ward(bench, handler, mode=mode)
    bench.send("bad")
    ward.work(THRESHOLD)
    ward.sweeper._backend = Quick(ward.hands.pipeline.backend)
    ward.sweep()
    assert bench.dead() == [Letter(1, REASON, THRESHOLD)]
    assert delivered == ["bad"] * THRESHOLD


def test_a_live_lease_is_left_alone_and_the_entry_kept(bench: Bench) -> None:
    began, go_on = threading.Event(), threading.Event()

    def handler(_msg: OutboxMessage) -> None:
        began.set()
        assert go_on.wait(20)

    ward = Ward(bench, handler)
    bench.send("a")
    turn = threading.Thread(target=ward.hands.turn)
    turn.start()
    assert began.wait(10)
    ward.accuse(1)
    before = bench.row()
    ward.sweep()
    assert (bench.dead(), bench.row(), ward.told()) == ([], before, [(1, THRESHOLD)])
    go_on.set()
    turn.join()
    assert bench.row().cursor == 1
    ward.sweep()
    assert (bench.dead(), ward.told()) == ([], [])


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_partition_in_a_transactional_handler_is_left_alone_and_does_not_hold_up_the_others(
    bench: Bench,
) -> None:
    ward = Ward(bench, lambda _msg: Retry("bad"))
    for partition in (0, 1):
        bench.send("bad", partition=partition)
    ward.work(THRESHOLD)
    for partition in (0, 1):
        ward.accuse(1, partition)
    conn = bench.database.connect()
    cursor = conn.cursor()
    cursor.execute(f"SELECT 1 FROM outbox_processor WHERE partition_id = {bench.ids[0]} FOR UPDATE")
    cursor.fetchall()
    ward.sweep()
    assert (bench.dead(0), len(bench.dead(1))) == ([], 1)
    conn.rollback()
    ward.sweep()
    assert len(bench.dead(0)) == 1


def test_a_lease_that_somebody_has_ended_by_hand_is_none(bench: Bench) -> None:
    ward = Ward(bench, lambda _msg: Retry("bad"))
    bench.send("bad")
    ward.work(THRESHOLD)
    bench.database.execute(
        "UPDATE outbox_processor SET locked_by = 'gone', locked_until = NULL WHERE partition_id = ?",
        bench.ids[0],
    )
    ward.sweep()
    assert bench.dead() == [Letter(1, REASON, THRESHOLD)]


def test_a_message_delivered_after_the_drain_is_found_out_under_the_lock(bench: Bench) -> None:
    ward = Ward(bench, lambda _msg: None)
    bench.send("a")
    ward.work()
    bench.send("b")
    ward.hands.sequence()
    before = bench.row()
    result = dead_letter_head(ward.hands.pipeline.backend, accusation(bench, 1))
    assert result is QuarantineResult.STALE
    assert (bench.dead(), bench.row()) == ([], before)


def test_a_late_ack_of_a_zombie_changes_nothing_after_its_message_was_given_up(bench: Bench) -> None:
    began, go_on = threading.Event(), threading.Event()

    def handler(msg: OutboxMessage) -> None:
        if msg.seq == 1:
            began.set()
            assert go_on.wait(20)

    zombie = bench.by_hand(lambda queue: queue.leased(handler))
    bench.send("slow", "b", "c")
    turn = threading.Thread(target=zombie.turn)
    turn.start()
    assert began.wait(10)
    ward = Ward(bench, lambda _msg: None)
    ward.accuse(1)
    ward.sweep()
    assert bench.dead() == []
    bench.end_lease()
    ward.sweep()
    ward.work()
    after = (bench.dead(), bench.row())
    assert after == ([Letter(1, REASON, THRESHOLD)], Row(3, 0, None, None, False))
    go_on.set()
    turn.join()
    assert (bench.dead(), bench.row()) == after
