"""What a leased turn sends: for its first batches, for each further one, and for the last word.

PostgreSQL: one statement each, whatever the number of partitions. MySQL and MariaDB: read under locks,
write, commit. SQLite: as many statements, and one more to read each partition; none of them is a round
trip.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from outbox import Batch, OutboxMessage, Reject, WorkerTuning
from tests.budgets.line import QUEUE, Declare, Line

BATCH = 10
LOCK_WRITE_COMMIT = ["SELECT", "UPDATE", "COMMIT"]


def lease(partitions: int) -> dict[str, list[str]]:
    return {
        "postgresql": ["WITH"],
        "mysql": LOCK_WRITE_COMMIT,
        "mariadb": LOCK_WRITE_COMMIT,
        "sqlite": ["BEGIN", "SELECT", *["SELECT"] * partitions, "UPDATE", "COMMIT"],
    }


def settle(partitions: int) -> dict[str, list[str]]:
    return {
        "postgresql": ["WITH"],
        "mysql": LOCK_WRITE_COMMIT,
        "mariadb": LOCK_WRITE_COMMIT,
        "sqlite": ["BEGIN", "SELECT", *["SELECT"] * partitions, "WITH", "COMMIT"],
    }


def tuning() -> WorkerTuning:
    return WorkerTuning.processor_adaptive().replace(batch_size=BATCH)


class Phases:
    """A batch handler that remembers how many statements had been sent when it was called."""

    def __init__(self) -> None:
        self.workers: Line
        self.marks: list[int] = []

    def __call__(self, _batch: Batch) -> None:
        self.marks.append(len(self.workers.tap.seen()))

    def split(self, sent: list[str]) -> list[list[str]]:
        """Cut what a turn sent into what came before each group of calls, and the rest."""
        cuts = [0, *sorted(set(self.marks)), len(sent)]
        return [sent[start:end] for start, end in pairwise(cuts)]


@pytest.mark.parametrize("partitions", [1, 16])
def test_a_turn_over_three_batches(line: Callable[[Declare], Line], backend: str, partitions: int) -> None:
    phases = Phases()
    workers = line(lambda builder: builder.queue(QUEUE, partitions).leased_batch(phases, tuning=tuning()))
    phases.workers = workers
    # Groups grow as handlers prove quick.
    for _ in range(6):
        workers.send(1, range(partitions))
        workers.process()
    workers.send(3 * BATCH, range(partitions))
    workers.sequence()
    phases.marks.clear()
    found = phases.split(workers.turn())
    assert len(phases.marks) == 3 * partitions
    assert found == [
        lease(partitions)[backend],
        settle(partitions)[backend],
        settle(partitions)[backend],
        settle(partitions)[backend],
    ]


def test_a_single_message_costs_two_steps(line: Callable[[Declare], Line], backend: str) -> None:
    workers = line(lambda builder: builder.queue(QUEUE, 1).leased(lambda _msg: None, tuning=tuning()))
    workers.send(1)
    workers.sequence()
    assert workers.turn() == [*lease(1)[backend], *settle(1)[backend]]


@pytest.mark.parametrize("count", [1, BATCH])
def test_dead_letters_go_in_with_the_settlement_as_one_set(
    line: Callable[[Declare], Line], backend: str, count: int
) -> None:
    workers = line(lambda builder: builder.queue(QUEUE, 1).leased(lambda _msg: Reject("no"), tuning=tuning()))
    workers.send(count)
    workers.sequence()
    sent = workers.turn()
    more = {"postgresql": 0, "mysql": 1, "mariadb": 1, "sqlite": 1}
    assert len(sent) == len(lease(1)[backend]) + len(settle(1)[backend]) + more[backend]


def test_parking_costs_a_read_when_the_set_has_changed_and_nothing_else(
    line: Callable[[Declare], Line], backend: str
) -> None:
    def handle(msg: OutboxMessage) -> None:
        if msg.payload == b"bad":
            raise ValueError

    workers = line(
        lambda builder: builder.queue(QUEUE, 1).leased(
            handle, max_attempts=2, on_give_up="park_key", tuning=tuning()
        )
    )
    workers.send(1)
    workers.sequence()
    assert workers.turn() == [*lease(1)[backend], *settle(1)[backend]], "nothing is parked"

    workers.outbox.parked.park(QUEUE, "other")
    workers.send(1)
    workers.sequence()
    # MySQL's driver switches autocommit for what it only reads.
    own = {"BEGIN", "COMMIT", "SET"}
    read = [word for word in workers.turn() if word not in own]
    without = [word for word in [*lease(1)[backend], *settle(1)[backend]] if word not in own]
    assert len(read) == len(without) + 1, "the set is read once"

    workers.send(1)
    workers.sequence()
    assert workers.turn() == [*lease(1)[backend], *settle(1)[backend]], "and looked up in memory from then on"
