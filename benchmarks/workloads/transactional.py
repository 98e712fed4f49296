"""Transactional mode, a row inserted for each message, against the same inserts without a queue."""

from __future__ import annotations

import threading
from itertools import count
from typing import Any

from benchmarks.load import Load
from benchmarks.measure import Observer
from benchmarks.servers import connect, execute
from benchmarks.workloads.producers import produce
from outbox import OutboxMessage

TABLE = "CREATE TABLE audit (message_id bigint NOT NULL PRIMARY KEY, body {blob} NOT NULL)"
INSERT = "INSERT INTO audit (message_id, body) VALUES ({mark}, {mark})"


def run(url: str, load: Load) -> None:
    """Print ``inserts`` (a bare script, as many to a commit as a turn has) and ``transactional``."""
    backend = url.partition(":")[0]
    insert = INSERT.format(mark="?" if backend == "sqlite" else "%s")
    load.open(url).close()
    execute(url, TABLE.format(blob="bytea" if backend == "postgresql" else "blob"))
    with Observer(url) as observer:
        with load.open(url) as outbox:
            produce(outbox, url, load)
        with observer.phase("inserts", load.messages) as phase:
            insert_bare(url, insert, load)
        print(phase.to_line())
        execute(url, "DELETE FROM audit")
        with observer.phase("transactional", load.messages) as phase:
            deliver(url, insert, load)
        print(phase.to_line())
    ((rows,),) = execute(url, "SELECT count(*) FROM audit")
    if rows != load.messages:
        raise AssertionError(f"{rows} rows for {load.messages} messages")


def insert_bare(url: str, insert: str, load: Load) -> None:
    """Insert one row a statement on one connection, as many to a transaction as a partition has."""
    turn = max(1, load.messages // load.partitions)
    connection = connect(url, autocommit=False)
    cursor = connection.cursor()
    for start in range(0, load.messages, turn):
        if url.startswith("sqlite"):
            cursor.execute("BEGIN")
        for number in range(start, min(start + turn, load.messages)):
            cursor.execute(insert, (-number, load.body()))
        connection.commit()
    connection.close()


def deliver(url: str, insert: str, load: Load) -> None:
    """Run the workers until the last message's handler ran; stopping them waits for the last commit."""
    done = threading.Event()
    number = count(1)

    def handler(conn: Any, message: OutboxMessage) -> None:
        cursor = conn.cursor()
        cursor.execute(insert, (message.id, message.payload))
        cursor.close()
        if next(number) == load.messages:
            done.set()

    with load.declare(url, lambda queue: queue.transactional(handler)).start():
        if not done.wait(600):
            raise TimeoutError("the backlog was not delivered within 600 s")
