"""A pipeline moved by hand, and what each of its steps sends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from outbox import EnqueueMessage, Outbox
from outbox.facade import OutboxBuilder
from outbox.facade.assembly import assemble_pipeline
from tests.budgets.wire import Wire

QUEUE = "orders"
Declare = Callable[[OutboxBuilder], OutboxBuilder]


class Line:
    """One process's workers in the test's thread: no timer, nothing but the steps that are run."""

    def __init__(self, wire: Wire, declare: Declare) -> None:
        self.tap = wire.tap
        builder = declare(Outbox.builder(wire.url).processors(1))
        self.outbox, self.pipeline, _ = assemble_pipeline(builder._options, threading.Event())
        self.ids = self.pipeline.partition_ids
        self._sequencer = self.pipeline.sequencer(lingering=False)
        self._processor = self.pipeline.processor()
        self._vacuum = self.pipeline.vacuum()

    def send(self, count: int, partitions: Iterable[int] = (0,), queue: str = QUEUE) -> None:
        """Commit so many messages of 100 bytes to each of the partitions, in one transaction."""
        indexes = [index for index in partitions for _ in range(count)]
        with self.outbox.transaction() as conn:
            self.outbox.enqueue_batch(conn, queue, [EnqueueMessage(b"x" * 100, partition=i) for i in indexes])

    def sequence(self) -> list[str]:
        """Run one pass over every partition; return what it sent, by first words."""
        self.pipeline.stages.enqueued(self.ids)
        return self.watched(self._sequencer.run_once)

    def turn(self) -> list[str]:
        """Run one turn of a processor on what is ready; return what it sent."""
        return self.watched(self._processor.run_once)

    def vacuum(self) -> list[str]:
        """Run one round of the vacuum; return what it sent."""
        return self.watched(self._vacuum.run_once)

    def process(self) -> None:
        """Sequence and process until nothing is ready."""
        queues = self.pipeline.stages
        self.sequence()
        while queues.sequencing.ready_count or queues.processing.ready_count:
            self._sequencer.run_once()
            self._processor.run_once()

    def watched(self, step: Callable[[], object]) -> list[str]:
        """Run a step and return what it sent, by first words."""
        self.tap.take()
        step()
        # A new connection of SQLite sets itself up; one that a block of `transaction()` had is closed after it.
        return [verb for verb in self.tap.verbs() if verb != "PRAGMA"]

    def close(self) -> None:
        self.outbox.close()
