"""What a bare script does on each backend: one connection, no threads, no checks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import outbox
from benchmarks.load import Load
from benchmarks.servers import connect
from outbox import Outbox
from outbox.statements import Catalog, Naming

TOKEN = "bare"
LEASE = 30.0
MAX_BYTES = 16 * 1024 * 1024
SEQUENCE_LIMIT = 312
"""Of each of 64 partitions, which is the library's largest pass."""
VACUUM_LIMIT = 10_000


class Bare(ABC):
    """All four stages over one queue, statement by statement, on a connection that is opened here."""

    dialect: str

    def __init__(self, url: str, load: Load, *, group: int, limit: int) -> None:
        """Process ``group`` partitions in a statement, up to ``limit`` messages of each."""
        self.load = load
        self.group = group
        self.limit = limit
        self.ids = _register(url, load)
        self.catalog = Catalog.load(self.dialect, Naming())
        self.connection = self._connect(url)
        self.cursor = self.connection.cursor()
        self._next = 0

    def _connect(self, url: str) -> Any:
        return connect(url)

    def close(self) -> None:
        self.connection.close()

    def enqueue(self) -> None:
        """Enqueue the load's messages, spread evenly, ``batch`` in each transaction."""
        body = self.load.body()
        write = self.enqueue_one if self.load.batch == 1 else self._write_batch
        for _ in range(self.load.messages // self.load.batch):
            write(body)

    def _write_batch(self, body: bytes) -> None:
        size = self.load.batch
        self.enqueue_many([self._partition() for _ in range(size)], [body] * size)

    def _partition(self) -> int:
        self._next = (self._next + 1) % len(self.ids)
        return self.ids[self._next]

    @abstractmethod
    def enqueue_one(self, body: bytes) -> None:
        """Commit one message."""

    @abstractmethod
    def enqueue_many(self, partition_ids: Sequence[int], bodies: Sequence[bytes]) -> None:
        """Commit a batch."""

    def sequence(self) -> None:
        """Number all messages."""
        moved = 0
        while moved < self.load.messages:
            moved += self.sequence_once()

    @abstractmethod
    def sequence_once(self) -> int:
        """Make one pass over all partitions; return how many messages it moved."""

    def process(self) -> None:
        """Read all messages and advance the cursors."""
        handled = 0
        for start in range(0, len(self.ids), self.group):
            handled += self.process_group(self.ids[start : start + self.group])
        if handled != self.load.messages:
            raise AssertionError(f"{handled} messages were handled")

    @abstractmethod
    def process_group(self, ids: Sequence[int]) -> int:
        """Work on some partitions until they are dry; return the number of messages."""

    def vacuum(self) -> None:
        """Delete all that was processed."""
        while self.vacuum_once():
            pass

    @abstractmethod
    def vacuum_once(self) -> int:
        """Delete some; return how many."""


def _register(url: str, load: Load) -> list[int]:
    outbox.migrate(url)
    with Outbox.builder(url).queue("q0", load.partitions).enqueue_only().open() as producer:
        return [partition.partition_id for partition in producer.status().partitions]
