"""Give a queue another number of partitions while its workers and producers run.

Others take the place of its partitions, which are retired: they get no number any more, and what still comes
to them, from producers that have not heard of it, is readdressed. The new ones wait until what has a number
is delivered in those that may have had the same keys, and take over the keys that are parked there.
"""

from __future__ import annotations

from functools import partial

from outbox.access import Access
from outbox.backends.protocol import Sources
from outbox.errors import ConfigurationError, QueueNotRegistered
from outbox.queues.numbering import Numbering, Place, index_of
from outbox.queues.queue_rows import QueueRows
from outbox.statements.dialect import decode_text
from outbox.values.partitions import Partitions
from outbox.values.validation import validate_queue

MOST_RESIZES = 500
"""The number of a retired partition is its index and 64 more with each resize: a column of 16 bits."""


class Resizing:
    """Changes how many partitions queues have. Thread-safe."""

    def __init__(self, backend: Sources) -> None:
        self._access = Access(backend, Store)

    def resize(self, queue: str, partitions: Partitions | int) -> bool:
        """Do so; return whether the new partitions wait for the old ones; see `Outbox.resize_queue`."""
        name = validate_queue(queue)
        number = partitions if isinstance(partitions, Partitions) else Partitions.of(partitions)
        return self._access.write(None, partial(Store.resize, queue=name, count=number.count))

    def numbering(self, queue: str) -> Numbering | None:
        """Read which partitions a queue has and had; None for an unknown one."""
        return self._access.read(None, partial(Store.numbering, queue=queue))

    def open_drained(self, queue: str) -> bool:
        """Serve the partitions that have nothing to wait for any more; return whether others wait."""
        return self._access.write(None, partial(Store.open_drained, queue=queue))


class Store(QueueRows):
    """The statements of ``administration.sql`` about resizing, in whatever transaction is open."""

    def resize(self, queue: str, count: int) -> bool:
        """Put others into the place of the partitions; return whether they wait."""
        # One change of a queue at a time: the first statement locks the installation's row.
        self._run("raise_revision")
        numbering = self.numbering(queue)
        if numbering is None:
            raise QueueNotRegistered(queue)
        if count == len(numbering.current):
            raise ConfigurationError("partitions", count, f"queue {queue!r} has that many already")
        if numbering.resizes >= MOST_RESIZES:
            raise ConfigurationError(
                "queue", queue, f"it was resized {MOST_RESIZES} times; begin a new queue"
            )
        name = numbering.queue
        self._run("retire_partitions", queue=name, resize=numbering.resizes + 1)
        self._run("add_partitions", queue=name, indexes=self._catalog.dialect.integers(range(count)))
        self._make_cursors(name)
        self._run("let_wait", queue=name)
        return self._open_drained(name)

    def open_drained(self, queue: str) -> bool:
        """Open what need not wait; return whether others wait."""
        self._run("raise_revision")
        return self._open_drained(queue)

    def _open_drained(self, queue: str) -> bool:
        numbering = self.numbering(queue)
        if numbering is None:
            return False
        closed = {place for places in numbering.generations for place in places if place.waits}
        for generation, places in enumerate(numbering.generations):
            for place in places:
                if place not in closed:
                    continue
                before = numbering.before(generation, place)
                # What waits itself may have nothing with a number, and yet be behind others.
                if all(other.drained and other not in closed for other in before):
                    self._open(place, before, len(places))
                    closed.discard(place)
        return bool(closed)

    def _open(self, place: Place, before: list[Place], partitions: int) -> None:
        taken = sum(self._take_parked(other, place, partitions) for other in before)
        if taken:
            # So that a worker looks for them.
            ids = self._catalog.dialect.integers([place.partition_id])
            self._run("raise_parking", partition_ids=ids)
        self._run("end_wait", partition_id=place.partition_id)

    def _take_parked(self, old: Place, new: Place, partitions: int) -> int:
        """Move the keys that are parked in a drained partition and belong to a new one; return how many."""
        keys = [
            key
            for (row,) in self._run("parked_keys_of", partition_id=old.partition_id)
            if index_of(key := str(decode_text(row)), partitions) == new.position
        ]
        for key in keys:
            text = self._catalog.dialect.encode_text(key)
            at = {"partition_id": old.partition_id, "message_key": text}
            self._run("move_parked", **at, target=new.partition_id, sequence=old.sequence)
            self._run("drop_parked_key", **at)
            at["partition_id"] = new.partition_id
            # An operator may have parked it there: then it is released for what that one says.
            entry = self._run("read_parked_key", **at)
            until = int(entry[0][1]) if entry else 0
            self._run("put_parked_key", **at, state="parked", until_seq=until)
        return len(keys)
