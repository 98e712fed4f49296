"""The partitions that a queue has and had: which of them a message of a retired one belongs to now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from outbox.statements.dialect import decode_text
from outbox.values.keys import key_bytes
from outbox.values.partitions import MAX_PARTITIONS, Partitions

RESIZE = "resize"
"""Who holds the lease of a partition that waits for others."""


class Place(NamedTuple):
    """A partition among those of its time."""

    partition_id: int
    resize: int
    """Which resize retired it, from 1; 0 for those that the queue has."""
    position: int
    sequence: int
    drained: bool
    """Whether all that has a number is delivered; for ever so, once it is retired."""
    waits: bool
    """Whether it is served only when those before it are drained."""


Places = Sequence[Place]


@dataclass(frozen=True)
class Numbering:
    """A queue's partitions by generation, oldest first. Every generation has a power of two of them.

    A key's indexes in two generations are the same modulo the smaller number: a partition has keys of those
    before it whose indexes are the same modulo that.
    """

    queue: str
    generations: tuple[Places, ...]

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]]) -> Numbering | None:
        """Return what the rows of ``numbering`` say, None for an unknown queue."""
        queue = ""
        places = []
        for name, partition_id, number, sequence, drained, waits in rows:
            queue = str(decode_text(name))
            resize, index = divmod(int(number), MAX_PARTITIONS)
            places.append(Place(int(partition_id), resize, index, int(sequence), bool(drained), bool(waits)))
        if not places:
            return None
        found = {resize: tuple(group) for resize, group in groupby(places, lambda place: place.resize)}
        return cls(queue, (*(found[resize] for resize in sorted(found) if resize), found.get(0, ())))

    @property
    def current(self) -> Places:
        """Those that get messages."""
        return self.generations[-1]

    @property
    def retired(self) -> list[Place]:
        """Those that only get what was sent by those who have not heard of a resize."""
        return [place for places in self.generations[:-1] for place in places]

    @property
    def waiting(self) -> bool:
        """Whether a resize is under way."""
        return any(place.waits for places in self.generations for place in places)

    @property
    def resizes(self) -> int:
        """How often it was resized."""
        return len(self.generations) - 1

    def before(self, generation: int, place: Place) -> list[Place]:
        """Return the partitions of the generation before that may have keys of this one."""
        older = self.generations[generation - 1]
        fewer = min(len(older), len(self.generations[generation]))
        return [other for other in older if other.position % fewer == place.position % fewer]

    def target(self, key: str | None, index: int) -> int:
        """Return the partition that has a key now, or for none the one at an index."""
        return self.current[index_of(key, len(self.current), index)].partition_id


def index_of(key: str | None, partitions: int, index: int = 0) -> int:
    """Return the index of a key, written as `key_text` does, among a number of partitions."""
    return index % partitions if key is None else Partitions.of(partitions).for_key(key_bytes(key))
