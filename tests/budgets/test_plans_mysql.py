"""No statement of the hot path reads more of a large table than its batch, whatever the statistics say.

Counted is what was read: both servers count the rows that they take from tables. Those here were last
analysed when they were empty.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import pytest

from outbox.backends.connect import open_backend
from outbox.statements import Naming
from tests.budgets.mountain import LIMIT, PARTITIONS, TABLES, fill, hot_path
from tests.support import Database, PrivateServer

# A hundred thousand rows each: InnoDB takes minutes for a million, and a scan shows as well.
DIGITS = 5
RUNS = 3
# A batch of every partition, each message with its rows in up to three tables, read twice where it is locked first.
COUNTERS = {"mysql": "Innodb_rows_read", "mariadb": "Rows_read"}
MOST_ROWS = LIMIT * PARTITIONS * 3 * 2


def keep_ignorant(database: Database) -> None:
    with database.session() as session:
        for table in TABLES:
            session.execute(f"ALTER TABLE {table} STATS_PERSISTENT = 1, STATS_AUTO_RECALC = 0")
            session.query(f"ANALYZE TABLE {table}")


def rows_read(database: Database) -> Generator[int, None, None]:
    """Yield how many rows the server has read since the last time."""
    with database.session() as session:
        last = 0
        while True:
            ((_, now),) = session.query("SHOW GLOBAL STATUS LIKE ?", COUNTERS[database.backend])
            yield int(now) - last
            last = int(now)


@pytest.mark.slow
@pytest.mark.backends("mysql", "mariadb")
def test_no_statement_reads_more_than_its_batch_of_a_hundred_thousand_rows(
    private_server: PrivateServer,
) -> None:
    database = private_server.new_database()
    keep_ignorant(database)
    ids = fill(database, DIGITS)
    most: dict[str, int] = {}
    with (
        closing(open_backend(database.url, naming=Naming(), pool_size=2)) as backend,
        closing(rows_read(database)) as meter,
    ):
        for _ in range(RUNS):
            for name, step in hot_path(backend, ids):
                next(meter)
                step()
                most[name] = max(most.get(name, 0), next(meter))
    print(most)
    assert {name: rows for name, rows in most.items() if rows > MOST_ROWS} == {}
    assert most["sequence"] > LIMIT, "nothing was counted"
