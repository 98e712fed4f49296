"""Threads and connections follow the configured concurrency, never the number of partitions."""

from __future__ import annotations

import threading

import pytest

from outbox import EnqueueMessage, Outbox
from tests.budgets.wire import Wire, tapped
from tests.support import Database, eventually

PROCESSORS = 3


def run(wire: Wire, queues: int, partitions: int) -> tuple[list[str], int]:
    """Deliver a message through every partition; return the threads' names and the most connections seen."""
    seen: set[tuple[str, int]] = set()
    builder = Outbox.builder(wire.url).processors(PROCESSORS).sequencers(2)
    for number in range(queues):
        builder.queue(f"q{partitions}-{number}", partitions).leased(
            lambda msg: seen.add((msg.queue, msg.partition))
        )
    most = 0
    with builder.start() as handle:
        for number in range(queues):
            with handle.outbox.transaction() as conn:
                messages = [EnqueueMessage(b"x", partition=index) for index in range(partitions)]
                handle.outbox.enqueue_batch(conn, f"q{partitions}-{number}", messages)

        def all_delivered() -> bool:
            nonlocal most
            most = max(most, wire.proxy.connections if wire.proxy else 0)
            return len(seen) == queues * partitions

        eventually(all_delivered, 30)
        names = sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("outbox-"))
    return names, most


@pytest.fixture
def wire(migrated: Database) -> object:
    with tapped(migrated.url) as wire:
        yield wire


def test_one_partition_and_640_are_served_by_the_same_threads_and_no_more_connections(wire: Wire) -> None:
    few, _ = run(wire, 1, 1)
    many, connections = run(wire, 10, 64)
    assert few == many
    workers = [name for name in many if not name.startswith("outbox-pool")]
    expected = ["lease-keeper", "processor-0", "processor-1", "processor-2", "reconciler", "reporter"]
    expected += ["sequencer-0", "sequencer-1", "vacuum", "watchdog"]
    assert [name for name in workers if name != "outbox-listener"] == [f"outbox-{name}" for name in expected]
    # One for each worker thread that talks to the database, a few for the application, one to listen.
    assert connections <= PROCESSORS + 2 + 3 + 4 + 1
