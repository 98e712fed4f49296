"""The queues this process knows."""

from __future__ import annotations

import itertools
import logging
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from outbox.backends.protocol import Queues
from outbox.errors import QueueNotRegistered
from outbox.queues.numbering import Numbering
from outbox.values.partitions import Partitions
from outbox.values.validation import validate_queue

log = logging.getLogger("outbox.queues")


@dataclass(frozen=True)
class RegisteredQueue:
    """A queue and its partition ids in index order."""

    name: str
    partitions: Partitions
    partition_ids: tuple[int, ...]
    _turn: itertools.count[int] = field(
        # A random start, so that many short-lived processes do not all favour partition 0.
        default_factory=lambda: itertools.count(random.randrange(64)),
        repr=False,
        compare=False,
    )

    def choose(self, partition: int | None, key: str | bytes | None) -> int:
        """Return the partition id for a message; without partition and key they take turns."""
        index = self.partitions.resolve(self.name, partition=partition, key=key)
        if index is None:
            index = next(self._turn) % self.partitions.count
        return self.partition_ids[index]


class Registry:
    """Queues by name; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: dict[str, RegisteredQueue] = {}

    def add(self, name: str, partitions: Partitions, partition_ids: Sequence[int]) -> RegisteredQueue:
        """Remember a queue as the database knows it now; the same one again changes nothing."""
        with self._lock:
            known = self._queues.get(name)
            if known is None or known.partition_ids != tuple(partition_ids):
                known = self._queues[name] = RegisteredQueue(name, partitions, tuple(partition_ids))
            return known

    def renumber(self, name: str, numbering: Numbering) -> None:
        """Enqueue to the partitions that a queue has since it was resized."""
        ids = [place.partition_id for place in numbering.current]
        self.add(name, Partitions.of(len(ids)), ids)

    def move(self, name: str, partition_ids: Sequence[int]) -> None:
        """Let a queue have other partitions from now on: its tables were emptied or made anew."""
        with self._lock:
            self._queues[name] = replace(self._queues[name], partition_ids=tuple(partition_ids))

    def __getitem__(self, name: str) -> RegisteredQueue:
        try:
            return self._queues[name]
        except (KeyError, TypeError):
            raise QueueNotRegistered(validate_queue(name)) from None

    def all(self) -> list[RegisteredQueue]:
        """Return every queue, by name."""
        with self._lock:
            return [self._queues[name] for name in sorted(self._queues)]

    def queue_of(self, partition_id: int) -> str | None:
        """Return the name of the queue that has this partition, None if no registered one has."""
        return next((queue.name for queue in self.all() if partition_id in queue.partition_ids), None)


def register(
    backend: Queues, registry: Registry, queue: str, partitions: Partitions | int
) -> tuple[int, ...]:
    """Make a queue known to the database and to this process; return its partition ids."""
    validate_queue(queue)
    count = partitions if isinstance(partitions, Partitions) else Partitions.of(partitions)
    ids = backend.register_queue(queue, count.count)
    if len(ids) != count.count:
        log.info(
            "queue %s has %d partitions since it was resized; %d are declared",
            queue,
            len(ids),
            count.count,
            extra={"event": "outbox.queue_resized", "queue": queue, "partitions": len(ids)},
        )
    return registry.add(queue, Partitions.of(len(ids)), ids).partition_ids
