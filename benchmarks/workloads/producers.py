"""Threads that enqueue, each on a connection of its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count, cycle, islice
from typing import Any

from benchmarks.load import Load
from benchmarks.servers import connect
from outbox import EnqueueMessage, Outbox


def produce(outbox: Outbox, url: str, load: Load) -> None:
    """Enqueue the load's messages in transactions of the load's size; return when all are committed."""
    shares = [load.messages // load.producers] * load.producers
    shares[0] += load.messages - sum(shares)
    with ThreadPoolExecutor(load.producers) as pool:
        list(pool.map(lambda number, share: _produce(outbox, url, load, number, share), count(), shares))


def _produce(outbox: Outbox, url: str, load: Load, number: int, share: int) -> None:
    """Produce one thread's share, to one queue after the other."""
    body = load.body()
    queues = islice(cycle(load.names), number, None)
    message = EnqueueMessage(body)
    with producing(outbox, url) as transaction:
        for start in range(0, share, load.batch):
            size = min(load.batch, share - start)
            queue = next(queues)
            with transaction() as conn:
                if size == 1:
                    outbox.enqueue(conn, queue, body)
                else:
                    outbox.enqueue_batch(conn, queue, [message] * size)


@contextmanager
def producing(outbox: Outbox, url: str) -> Iterator[Any]:
    """Give a function that opens a transaction, commits it at a clean exit, and flushes.

    On a connection of the caller's own, as an application has one; on SQLite on one of the outbox's,
    whose writers queue up in the process instead of polling for the write lock.
    """
    if url.startswith("sqlite"):
        yield outbox.transaction
        return
    connection = connect(url, autocommit=False)

    @contextmanager
    def transaction() -> Iterator[Any]:
        yield connection
        connection.commit()
        outbox.flush()

    try:
        yield transaction
    finally:
        connection.close()
