"""A process that is killed at any point of a transactional turn."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from outbox import OutboxMessage, WorkerTuning
from outbox.backends.records import Refusal, Settlement
from tests.acceptance.bench import PARTITIONS, Bench, Hands, Row, builder_for
from tests.acceptance.transactional.support import create_effects, write_effect
from tests.support import Spawn, eventually

MESSAGES = 5
DEADLY = 3
POINTS = [
    "after the lock",
    "before the write",
    "after the write",
    "before the settlement",
    "before the commit",
]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly:
    """A backend whose transactional turns end in a kill at one point; everything else is the real one."""

    def __init__(self, backend: Any, point: str) -> None:
        self._backend = backend
        self._point = point

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    @contextmanager
    def transactional_turn(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        with self._backend.transactional_turn(*arguments, **options) as turn:
            if isinstance(turn, Refusal):
                yield turn
                return
            self._at("after the lock")
            settle = turn.settle

            def deadly_settle(settlement: Settlement) -> None:
                self._at("before the settlement")
                settle(settlement)
                self._at("before the commit")

            turn.settle = deadly_settle
            yield turn
        self._at("after the commit")

    def _at(self, point: str) -> None:
        if point == self._point:
            die()


def work_and_die(url: str, point: str) -> None:
    """Deliver everything; die at the given point of the first turn, or not at all."""

    def handler(conn: Any, msg: OutboxMessage) -> None:
        if msg.seq == DEADLY and point == "before the write":
            die()
        write_effect(conn, msg, point)
        if msg.seq == DEADLY and point == "after the write":
            die()

    hands = Hands(builder_for(url, lambda queue: queue.transactional(handler)))
    hands.pipeline._transactional._backend = Deadly(hands.pipeline.backend, point)
    # The row of a killed predecessor may still be locked for a moment.
    eventually(lambda: hands.work() or hands.outbox.status().partitions[0].backlog == 0)


@pytest.mark.mp
@pytest.mark.slow
def test_a_kill_before_the_commit_leaves_nothing_and_one_after_it_everything(
    bench: Bench, spawn: Spawn
) -> None:
    # No unique key: it must not be what keeps an effect from happening twice.
    create_effects(bench.database, unique=False)
    bench.send(*range(MESSAGES))
    for point in POINTS:
        assert spawn(work_and_die, bench.database.url, point).wait() == -signal.SIGKILL, point
        assert bench.database.count("effects") == 0, point
        assert bench.row() == Row(cursor=0, attempts=0, error=None, token=None, held=False), point
    assert spawn(work_and_die, bench.database.url, "after the commit").wait() == -signal.SIGKILL
    spawn(work_and_die, bench.database.url, "never").succeed()
    written = bench.database.query("SELECT seq, note FROM effects ORDER BY seq")
    assert written == [(seq, "after the commit") for seq in range(1, MESSAGES + 1)]
    assert bench.row().cursor == MESSAGES


def work_on_threads(url: str) -> None:
    """Deliver with threads, a few messages in a transaction, until killed; say how far it is."""

    def handler(conn: Any, msg: OutboxMessage) -> None:
        write_effect(conn, msg, str(msg.partition))
        print(f"wrote {msg.seq}\n", end="", flush=True)

    tuning = WorkerTuning.processor_low_latency().batch_size(3)
    builder_for(url, lambda queue: queue.transactional(handler, tuning=tuning)).start()
    threading.Event().wait()


@pytest.mark.mp
def test_kills_at_random_moments_leave_every_effect_exactly_once(bench: Bench, spawn: Spawn) -> None:
    create_effects(bench.database, unique=False)
    for partition in range(PARTITIONS):
        bench.send(*range(MESSAGES * 10), partition=partition)
    for last in (5, 20, 35):
        child = spawn(work_on_threads, bench.database.url)
        child.wait_for_line(f"wrote {last}$")
        child.kill()
    spawn(work_on_threads, bench.database.url)
    eventually(lambda: all(bench.row(n).cursor == MESSAGES * 10 for n in range(PARTITIONS)), 30)
    written = bench.database.query("SELECT note, seq FROM effects ORDER BY note, seq")
    assert written == [
        (str(partition), seq) for partition in range(PARTITIONS) for seq in range(1, MESSAGES * 10 + 1)
    ]
    assert [bench.row(n).attempts for n in range(PARTITIONS)] == [0] * PARTITIONS
