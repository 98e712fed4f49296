"""What a pass of the sequencer sends, whatever the number of partitions and messages.

PostgreSQL: one statement. MySQL and MariaDB: lock and read, insert, delete exactly what was inserted,
advance, commit. SQLite: begin, number, move, clear, commit.
"""

from __future__ import annotations

from collections.abc import Callable

from outbox.facade import OutboxBuilder
from tests.budgets.line import Declare, Line

PASS = {
    "postgresql": ["WITH"],
    "mysql": ["SELECT", "INSERT", "DELETE", "UPDATE", "COMMIT"],
    "mariadb": ["SELECT", "INSERT", "DELETE", "UPDATE", "COMMIT"],
    "sqlite": ["BEGIN", "UPDATE", "WITH", "DELETE", "COMMIT"],
}
NOTHING_WAITS = {
    "postgresql": ["WITH"],
    "mysql": ["SELECT", "COMMIT"],
    "mariadb": ["SELECT", "COMMIT"],
    "sqlite": ["BEGIN", "UPDATE", "COMMIT"],
}


def two_queues(builder: OutboxBuilder) -> OutboxBuilder:
    return builder.queue("a", 64).leased(print).queue("b", 64).leased(print)


def test_a_pass_over_128_partitions(line: Callable[[Declare], Line], backend: str) -> None:
    workers = line(two_queues)
    for _ in range(2):
        workers.send(5, range(64), "a")
        workers.send(5, range(64), "b")
        assert workers.sequence() == PASS[backend]


def test_a_pass_over_one_partition(line: Callable[[Declare], Line], backend: str) -> None:
    workers = line(lambda builder: builder.queue("orders", 1).leased(print))
    workers.send(1)
    assert workers.sequence() == PASS[backend]
    workers.send(1000)
    assert workers.sequence() == PASS[backend]


def test_a_pass_that_finds_nothing(line: Callable[[Declare], Line], backend: str) -> None:
    workers = line(two_queues)
    workers.send(1, range(1), "a")
    workers.sequence()
    assert workers.sequence() == NOTHING_WAITS[backend]
