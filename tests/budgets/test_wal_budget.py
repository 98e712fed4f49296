"""How much a message adds to PostgreSQL's write-ahead log, on its way through all four stages."""

from __future__ import annotations

from typing import Any

import pytest

import outbox
from outbox import Outbox
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


# Bytes of one message of 100 bytes that is only enqueued, and what each feature may add: the key itself; the index
# of what is due; the name of the message with both of its indexes, and that it is written twice.
MOST_ENQUEUED = 420
MOST_MORE: dict[str, tuple[dict[str, Any], int]] = {
    "a key": ({"key": "customer-4711"}, len("customer-4711") + 8),
    "a delay": ({"deliver_after": 3600}, 150),
    "a dedup key": ({"dedup_key": "{n}"}, 600),
}
MESSAGES = 500


@pytest.mark.backends("postgresql")
def test_a_message_that_is_enqueued_with_a_key_a_delay_or_a_dedup_key(private_server: PrivateServer) -> None:
    database: Database = private_server.new_database()
    outbox.migrate(database.url)
    with (
        Outbox.builder(database.url).queue(QUEUE, 1).enqueue_only().open() as producer,
        database.session() as s,
    ):

        def bytes_of(options: dict[str, Any]) -> float:
            def send(first: int) -> None:
                with producer.transaction() as conn:
                    for n in range(first, first + MESSAGES):
                        given: dict[str, Any] = {
                            name: str(v).format(n=n) if v == "{n}" else v for name, v in options.items()
                        }
                        producer.enqueue(conn, QUEUE, b"x" * 100, **given)

            send(0)
            s.execute("CHECKPOINT")
            send(MESSAGES)
            ((before,),) = s.query(POSITION)
            send(2 * MESSAGES)
            ((after,),) = s.query(POSITION)
            return float(after - before) / MESSAGES

        plain = bytes_of({})
        print(f"{plain:.0f} bytes of WAL to enqueue a message")
        assert plain <= MOST_ENQUEUED
        for name, (options, more) in MOST_MORE.items():
            found = bytes_of(options)
            print(f"{found - plain:.0f} more with {name}")
            assert found <= plain + more, name
