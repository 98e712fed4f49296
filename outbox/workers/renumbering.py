"""What a process knows of queues that were resized, its own idea of them included."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from outbox.backends.protocol import Backend
from outbox.queues.numbering import Numbering
from outbox.queues.readdressing import Readdressing
from outbox.queues.resizing import Resizing
from outbox.workers.consumer import Consumer

Adopt = Callable[[Consumer, Numbering], None]


class Renumbering:
    """Learns of resizes, ends their waits, and sends on what comes to retired partitions. Thread-safe.

    Nothing is read as long as no setting was ever changed, nor run for queues that were never resized.
    """

    def __init__(self, backend: Backend, consumers: Sequence[Consumer], adopt: Adopt) -> None:
        self._resizing = Resizing(backend)
        self._readdressing = Readdressing(backend)
        self._consumers = consumers
        self._adopt = adopt
        # Replaced as a whole, by the thread that looks; others read.
        self._retired: dict[int, tuple[Numbering, int]] = {}
        self._behind: dict[int, tuple[int, ...]] = {}
        self._waiting: set[str] = set()
        self._stale = False

    def look(self, changed: bool) -> None:  # noqa: FBT001 - called with it alone
        """Learn what is new after a change of settings; while a resize is under way, open what is drained."""
        self._stale = self._stale or changed
        if self._stale:
            self.learn()
            # Not before: the server may have been away.
            self._stale = False
        self._waiting = {queue for queue in sorted(self._waiting) if self._still_waits(queue)}

    def _still_waits(self, queue: str) -> bool:
        numbering = self._resizing.numbering(queue)
        if numbering is None or not numbering.waiting:
            return False
        return not may_open(numbering) or self._resizing.open_drained(queue)

    def learn(self) -> None:
        """Read the partitions of the queues that this process works on."""
        read = [(consumer, self._resizing.numbering(consumer.queue)) for consumer in self._consumers]
        resized = [(consumer, found) for consumer, found in read if found is not None and found.resizes]
        # Before another thread knows of a new partition: it must not be numbered without a look at the old.
        self._behind = {
            place.partition_id: tuple(old.partition_id for old in numbering.retired)
            for _, numbering in resized
            for place in numbering.current
        }
        self._retired = {
            old.partition_id: (numbering, old.position)
            for _, numbering in resized
            for old in numbering.retired
        }
        self._waiting = {numbering.queue for _, numbering in resized if numbering.waiting}
        for consumer, numbering in resized:
            self._adopt(consumer, numbering)

    def retired(self, partition_ids: Iterable[int]) -> list[int]:
        """Return which of these get no numbers any more."""
        known = self._retired
        return [key for key in partition_ids if key in known] if known else []

    def behind(self, partition_ids: Iterable[int]) -> list[int]:
        """Return the retired partitions of the queues that these belong to."""
        known = self._behind
        return sorted({old for key in partition_ids for old in known.get(key, ())}) if known else []

    def readdress(self, retired: Collection[int], *, due: bool = False) -> tuple[int, set[int]]:
        """Send on what has come to these; return how much, and the partitions that may have got it."""
        known = {key: self._retired[key] for key in retired}
        count = self._readdressing.due(known) if due else self._readdressing.waiting(known)
        return count, {place.partition_id for numbering, _ in known.values() for place in numbering.current}


def may_open(numbering: Numbering) -> bool:
    """Tell whether a partition waits for drained ones alone: a look without a lock, as often as need be."""
    return any(
        place.waits
        and all(other.drained and not other.waits for other in numbering.before(generation, place))
        for generation, places in enumerate(numbering.generations)
        for place in places
    )
