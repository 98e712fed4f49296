"""One queue, whoever produces to it and consumes it, and what its rows say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from outbox import Outbox, OutboxHandle
from outbox.facade import OutboxBuilder, QueueBuilder
from tests.acceptance.bench.hands import Hands
from tests.support import Database

QUEUE = "orders"
PARTITIONS = 4

Declare = Callable[[QueueBuilder], OutboxBuilder]


class Row(NamedTuple):
    """A partition's processor row."""

    cursor: int
    attempts: int
    error: str | None
    token: str | None
    held: bool
    """Whether a lease or backoff has been written, ended or not."""


def at_rest(cursor: int) -> Row:
    """Return the row of a partition that is neither held nor waiting, and whose next message has not failed."""
    return Row(cursor, attempts=0, error=None, token=None, held=False)


class Letter(NamedTuple):
    """The interesting part of a dead letter."""

    seq: int
    reason: str
    attempts: int


def builder_for(target: object, declare: Declare, **options: Any) -> OutboxBuilder:
    """Return a builder whose queue is consumed as ``declare`` says; the options are the builder's methods."""
    builder = Outbox.builder(target).stats_interval(0).poll_interval(0.05)
    for name, value in options.items():
        getattr(builder, name)(value)
    return declare(builder.queue(QUEUE, PARTITIONS))


def all_delivered(outbox: Outbox) -> bool:
    """Return whether nothing is left, neither held nor resting."""
    return all(row.incoming + row.backlog == 0 for row in outbox.status().partitions)


class Bench:
    """The queue ``orders`` with four partitions. Partitions are meant by index, 0 unless given."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.producer = builder_for(database.url, lambda queue: queue.enqueue_only()).open()
        self.ids = [partition.partition_id for partition in self.producer.status().partitions]
        self._hands: list[Hands] = []
        self._handles: list[OutboxHandle] = []

    def send(self, *payloads: object, partition: int = 0) -> list[int]:
        """Commit messages in one transaction; return their ids."""
        with self.producer.transaction() as conn:
            return [self.producer.enqueue(conn, QUEUE, body, partition=partition) for body in payloads]

    def by_hand(self, declare: Declare, *, target: object = None, **options: Any) -> Hands:
        """Return another process's workers, to be moved by hand."""
        builder = builder_for(target or self.database.url, declare, **{"processors": 1, **options})
        hands = Hands(builder)
        self._hands.append(hands)
        return hands

    def on_threads(self, declare: Declare, *, target: object = None, **options: Any) -> OutboxHandle:
        """Start worker threads; they are stopped when the test ends."""
        handle = builder_for(target or self.database.url, declare, **options).start()
        self._handles.append(handle)
        return handle

    def row(self, partition: int = 0) -> Row:
        """Return what the table says of a partition."""
        ((cursor, attempts, error, token, held),) = self.database.query(
            "SELECT processed_seq, attempts, last_error, locked_by, locked_until IS NOT NULL "
            "FROM outbox_processor WHERE partition_id = ?",
            self.ids[partition],
        )
        return Row(cursor, attempts, error, token, bool(held))

    def held_for(self, partition: int = 0) -> float:
        """Return the seconds that a lease or backoff still lasts, 0 when there is none."""
        return self.producer.status().partitions[partition].held_for or 0.0

    def end_backoff(self, partition: int = 0) -> None:
        """Let the rest after a failure be over; a lease stays."""
        self.database.execute(
            "UPDATE outbox_processor SET locked_until = NULL WHERE locked_by IS NULL AND partition_id = ?",
            self.ids[partition],
        )

    def end_lease(self, partition: int = 0) -> None:
        """Let the lease of somebody who died have run out long ago."""
        self.database.execute(
            "UPDATE outbox_processor SET locked_until = ? WHERE locked_by IS NOT NULL AND partition_id = ?",
            self.database.long_ago,
            self.ids[partition],
        )

    def end_leases(self) -> None:
        """Do so in every partition."""
        for partition in range(PARTITIONS):
            self.end_lease(partition)

    def dead(self, partition: int = 0) -> list[Letter]:
        """Return a partition's dead letters by sequence number."""
        rows = self.database.query(
            "SELECT seq, last_error, attempts FROM outbox_dead_letters WHERE partition_id = ? ORDER BY seq",
            self.ids[partition],
        )
        return [Letter(*row) for row in rows]

    def close(self) -> None:
        """Stop and close everything that was handed out."""
        for handle in self._handles:
            assert handle.stop(20)
        for hands in self._hands:
            hands.close()
        self.producer.close()
