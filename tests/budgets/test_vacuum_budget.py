"""What a round of the vacuum sends, whatever the number of partitions and rows.

PostgreSQL: one statement. MySQL and MariaDB: lock, delete rows and bodies together, advance, commit.
SQLite: begin, plan, bodies, outgoing, advance, commit.
"""

from __future__ import annotations

from collections.abc import Callable

from outbox import Batch
from tests.budgets.line import QUEUE, Declare, Line
from tests.support import Database

PARTITIONS = 64
ROUND = {
    "postgresql": ["WITH"],
    "mysql": ["SELECT", "DELETE", "UPDATE", "COMMIT"],
    "mariadb": ["SELECT", "DELETE", "UPDATE", "COMMIT"],
    "sqlite": ["BEGIN", "WITH", "DELETE", "DELETE", "WITH", "COMMIT"],
}
NOTHING_TO_DO = {
    "postgresql": ["WITH"],
    "mysql": ["SELECT", "COMMIT"],
    "mariadb": ["SELECT", "COMMIT"],
    "sqlite": ["BEGIN", "WITH", "COMMIT"],
}


def take_all(batch: Batch) -> None:
    del batch


def test_ten_thousand_rows_of_64_partitions(
    line: Callable[[Declare], Line], migrated: Database, backend: str
) -> None:
    workers = line(lambda builder: builder.queue(QUEUE, PARTITIONS).leased_batch(take_all))
    workers.send(157, range(PARTITIONS))
    workers.process()
    assert migrated.count("outbox_outgoing") == 157 * PARTITIONS == 10_048
    assert workers.vacuum() == ROUND[backend]
    assert migrated.count("outbox_outgoing") == migrated.count("outbox_body") == 48
    assert workers.vacuum() == ROUND[backend]
    assert migrated.count("outbox_outgoing") == migrated.count("outbox_body") == 0
    assert workers.vacuum() == NOTHING_TO_DO[backend]
