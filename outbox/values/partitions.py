"""How many partitions a queue has, and which of them a key belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from outbox.errors import ConfigurationError, PartitionOutOfRange
from outbox.values.durations import is_whole
from outbox.values.keys import check_key

# Each has rows in three tables that every poll looks at, and a server seldom has more cores.
MAX_PARTITIONS = 64


@dataclass(frozen=True, slots=True)
class Partitions:
    """The number of partitions of a queue: a power of two from 1 to 64.

    Order is kept within a partition, so the number bounds how many handlers of the queue run at once.
    """

    count: int

    def __post_init__(self) -> None:
        count: object = self.count
        if not is_whole(count) or not 1 <= count <= MAX_PARTITIONS or count & (count - 1):
            raise ConfigurationError("partitions", count, "give a power of two from 1 to 64")

    @classmethod
    def of(cls, count: int) -> Partitions:
        """Return the partitioning into ``count`` parts; raises `ConfigurationError` for a bad count."""
        return cls(count)

    def for_key(self, key: str | bytes) -> int:
        """Return the 0-based partition of a key.

        Stable on every platform and in every release: the 8-byte BLAKE2b digest of the key (a str as
        UTF-8), read as a big-endian unsigned integer, modulo the number of partitions. Raises
        `ConfigurationError` for a key that is neither str nor bytes or has no UTF-8 form.
        """
        return int.from_bytes(blake2b(check_key(key), digest_size=8).digest(), "big") % self.count

    def resolve(
        self, queue: str, *, partition: int | None = None, key: str | bytes | None = None
    ) -> int | None:
        """Return the partition index a message asks for, or None when it may go anywhere.

        Raises `PartitionOutOfRange` for an index the queue does not have, and `ConfigurationError`
        when both ``partition`` and ``key`` are given or either is of the wrong type.
        """
        if partition is None:
            return None if key is None else self.for_key(key)
        if key is not None:
            raise ConfigurationError("key", key, f"partition {partition!r} is given too; give one of the two")
        if not is_whole(partition):
            raise ConfigurationError("partition", partition, "give a whole number")
        if not 0 <= partition < self.count:
            raise PartitionOutOfRange(queue, partition, self.count - 1)
        return partition
