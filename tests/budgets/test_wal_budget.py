"""How much a message adds to PostgreSQL's write-ahead log, on its way through all four stages."""

from __future__ import annotations

import pytest

from tests.budgets.line import QUEUE, Line
from tests.budgets.wire import tapped
from tests.support import Database, PrivateServer

PARTITIONS = 16
ROUNDS = 100
BATCH = 100
MOST_BYTES = 850
POSITION = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


def one_round(workers: Line, number: int) -> None:
    workers.send(BATCH, [number % PARTITIONS])
    workers.process()
    workers.vacuum()


# The log is the whole server's: on a shared one other tests would be measured as well.
@pytest.mark.backends("postgresql")
def test_a_message_of_100_bytes_in_batches_of_100(private_server: PrivateServer) -> None:
    database: Database = private_server.new_database()
    with tapped(database.url) as wire, database.session() as session:
        workers = Line(wire, lambda builder: builder.queue(QUEUE, PARTITIONS).leased(lambda _msg: None))
        for number in range(PARTITIONS):
            one_round(workers, number)
        # The first change of a page after a checkpoint logs the whole page.
        session.execute("CHECKPOINT")
        one_round(workers, 0)
        ((before,),) = session.query(POSITION)
        for number in range(ROUNDS):
            one_round(workers, number)
        ((after,),) = session.query(POSITION)
        workers.close()
    assert database.count("outbox_body") == 0
    a_message = float(after - before) / (ROUNDS * BATCH)
    print(f"{a_message:.0f} bytes of WAL a message")
    assert a_message <= MOST_BYTES
