"""The tables are emptied, or made anew, under running workers and producers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import outbox
from outbox import Outbox, OutboxMessage
from outbox.facade import OutboxBuilder, QueueBuilder
from outbox.workers import ground
from tests.acceptance.bench import PARTITIONS, QUEUE, Bench, run_sql
from tests.support import Database, eventually

TABLES = ("partitions", "processor", "vacuum", "incoming", "outgoing", "body", "dead_letters", "failures")


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "GROUND_SECONDS", 0.1)
    monkeypatch.setattr(ground, "EPOCH_SECONDS", 0.2)


def delete_all_rows(database: Database) -> None:
    for table in TABLES:
        database.execute(f"DELETE FROM outbox_{table}")


def truncate(database: Database) -> None:
    if database.backend == "postgresql":
        tables = ", ".join(f"outbox_{table}" for table in (*TABLES, "installation", "epochs"))
        database.execute(f"TRUNCATE {tables} RESTART IDENTITY")
    elif database.backend == "sqlite":
        delete_all_rows(database)
        database.execute("DELETE FROM sqlite_sequence")
    else:
        for table in (*TABLES, "installation", "epochs"):
            database.execute(f"TRUNCATE TABLE outbox_{table}")


def make_anew(database: Database) -> None:
    outbox.rollback(database.url)
    outbox.migrate(database.url)


def collecting(into: list[OutboxMessage]) -> Callable[[QueueBuilder], OutboxBuilder]:
    return lambda queue: queue.leased(into.append)


def texts(messages: list[OutboxMessage]) -> list[Any]:
    return [message.json() for message in messages]


@pytest.mark.parametrize("empty", [delete_all_rows, truncate, make_anew])
def test_a_queue_that_is_gone_is_registered_again_and_loses_nothing_that_was_accepted_afterwards(
    bench: Bench, caplog: pytest.LogCaptureFixture, empty: Callable[[Database], None]
) -> None:
    delivered: list[OutboxMessage] = []
    numbers = set()

    def handler(msg: OutboxMessage) -> None:
        numbers.add((msg.source, msg.partition_id, msg.seq))
        delivered.append(msg)

    handle = bench.on_threads(lambda queue: queue.leased(handler))
    bench.send("before")
    eventually(lambda: texts(delivered) == ["before"])
    eventually(lambda: bench.producer.status().partitions[0].backlog == 0)

    empty(bench.database)
    # Another service is the first to register in the empty tables.
    with Outbox.builder(bench.database.url).queue("another", 4).enqueue_only().open() as another:
        bench.send("at once", "and then")
        another.enqueue_now("another", "theirs", partition=0)
        eventually(lambda: texts(delivered) == ["before", "at once", "and then"])

    eventually(handle.healthy)
    bench.send("later")
    eventually(lambda: texts(delivered) == ["before", "at once", "and then", "later"])
    assert len({message.uid for message in delivered}) == 4
    # A receiver that remembers numbers by their source takes the new ones for new.
    assert len(numbers) == 4
    assert sum("registered again with" in text for text in caplog.messages) == 1
    assert bench.database.count("outbox_incoming") == 1, "the other service's"


def test_what_was_written_for_partitions_that_are_gone_moves_to_those_that_another_process_made(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    truncate(bench.database)
    bench.send("into the old partitions", "in order")
    delivered: list[OutboxMessage] = []
    bench.on_threads(collecting(delivered))

    bench.producer.enqueue_now(QUEUE, "notices", partition=0)

    def send_and_look() -> bool:
        bench.send("more")
        return len(delivered) >= 4

    eventually(send_and_look)
    assert texts(delivered)[:4] == ["into the old partitions", "in order", "notices", "more"]
    assert sum("has other partitions than before" in text for text in caplog.messages) == 1
    bench.send("to the new ones")
    eventually(lambda: "to the new ones" in texts(delivered))
    assert bench.database.count("outbox_incoming") == 0


def test_workers_whose_partitions_became_another_queues_stand_still_and_say_so(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    delivered: list[OutboxMessage] = []
    handle = bench.on_threads(collecting(delivered))
    bench.send("before")
    eventually(lambda: texts(delivered) == ["before"])

    bench.database.execute("UPDATE outbox_partitions SET queue = 'mails'")
    with Outbox.builder(bench.database.url).queue("mails", PARTITIONS).enqueue_only().open() as mails:
        eventually(lambda: not handle.healthy())
        mails.enqueue_now("mails", "theirs", partition=0)
        eventually(lambda: any("restart the process" in text for text in caplog.messages))
        assert [QUEUE in text for text in caplog.messages if "restart the process" in text] == [True]

        # The queue has partitions of its own again, for processes that are started now and for producers.
        eventually(lambda: QUEUE in {partition.queue for partition in mails.status().partitions})
        assert not handle.healthy()
        assert texts(delivered) == ["before"]

    # As if the right dump had been restored.
    conn = bench.database.connect()
    run_sql(conn, f"DELETE FROM outbox_partitions WHERE queue = '{QUEUE}'")
    run_sql(conn, f"UPDATE outbox_partitions SET queue = '{QUEUE}'")
    conn.commit()
    eventually(handle.healthy)


def test_cursors_that_are_gone_are_made_again_where_nothing_waits(bench: Bench) -> None:
    delivered: list[OutboxMessage] = []
    bench.on_threads(collecting(delivered))
    bench.send("before")
    eventually(lambda: texts(delivered) == ["before"])
    eventually(lambda: bench.database.count("outbox_outgoing") == 0)

    for table in ("processor", "vacuum"):
        bench.database.execute(f"DELETE FROM outbox_{table}")
    bench.send("after")
    # Its number may have come before the cursor was back: then none can tell what was delivered.
    eventually(lambda: bench.database.count("outbox_vacuum") >= PARTITIONS - 1)
    bench.send("elsewhere", partition=1)
    eventually(lambda: "elsewhere" in texts(delivered))
    assert texts(delivered).count("before") == 1
