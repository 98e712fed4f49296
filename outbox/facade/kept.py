"""What was delivered and is still there: read it, and deliver it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from outbox.access import Access
from outbox.backends.protocol import Backend
from outbox.connections.connection import ProducerConnection
from outbox.enqueue.prepared_message import PreparedMessage
from outbox.enqueue.write import write
from outbox.errors import ConfigurationError, PartitionOutOfRange, QueueNotRegistered
from outbox.installation import Installation
from outbox.statements import Catalog
from outbox.statements.dialect import decode_text, decode_time, encode_time
from outbox.values.bounds import LARGEST_ID
from outbox.values.codec import Codec
from outbox.values.headers import decode_headers
from outbox.values.keys import key_text
from outbox.values.message import OutboxMessage
from outbox.values.partitions import MAX_PARTITIONS

# As many as a pass of the vacuum deletes at most; payloads of one page are in memory together.
PAGE = 200
Row = tuple[Any, ...]
Text = str | bytes


class Delivered(NamedTuple):
    """A row of ``delivered``; some drivers give texts as bytes."""

    seq: int
    message_id: int
    payload: bytes
    payload_type: Text
    headers: Text | None
    created_at: int
    message_key: Text | None
    uid: Text | None
    origin: Text | None


class KeptStore:
    """The statements of ``retention.sql`` on one connection."""

    def __init__(self, connection: ProducerConnection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog

    def keep(self, queue: str, keep_us: int | None) -> None:
        """Let a queue keep what is delivered, unless it does already."""
        known = self._run("kept_for", queue=queue)
        if (known[0][0] if known else None) == keep_us:
            return
        self._run("keep", queue=queue, keep_us=keep_us)
        self._run("wake_vacuum", queue=queue)
        if keep_us is None:
            self._run("forget_notes", queue=queue)

    def partitions(self, queue: str) -> list[tuple[int, int]]:
        """Return the numbers and ids of a queue's partitions, those last that a resize has retired."""
        return [(int(number), int(id_)) for id_, number in self._run("kept_partitions", queue=queue)]

    def delivered(
        self,
        partition_id: int,
        limit: int,
        *,
        after: int = 0,
        upto: int = LARGEST_ID,
        key: str | bytes | None = None,
        since: datetime | None = None,
    ) -> list[Delivered]:
        """Return rows of a partition, newest first."""
        rows = self._run(
            "delivered",
            partition_id=partition_id,
            after=after,
            upto=upto,
            message_key=self._catalog.dialect.encode_text(key_text(key)),
            since=encode_time(since) or 0,
            limit=limit,
        )
        return [Delivered(*row) for row in rows]

    def hold(self, partition_id: int) -> tuple[int, int]:
        """Keep the vacuum away; return the first and the last number that are there."""
        [(first, last)] = self._run("hold_delivered", partition_id=partition_id)
        return int(first), int(last)

    def enqueue(self, messages: Sequence[PreparedMessage]) -> list[int]:
        """Write messages, in their order."""
        return write(self._connection, self._catalog, messages)

    def _run(self, statement: str, **parameters: object) -> list[Row]:
        return self._connection.execute(self._catalog[statement], parameters)


class Kept:
    """The delivered messages of all queues. Thread-safe."""

    def __init__(self, backend: Backend, installation: Installation, codec: Codec) -> None:
        self._access = Access(backend, KeptStore)
        self._installation = installation
        self._codec = codec

    def history(
        self, queue: str, *, key: str | bytes | None, since: datetime | None, limit: int
    ) -> list[OutboxMessage]:
        """Return the latest messages, newest first."""
        self._installation.verify()

        def read(store: KeptStore) -> list[OutboxMessage]:
            partitions = self._partitions(store, queue)
            return [
                self._message(queue, number % MAX_PARTITIONS, partition_id, row)
                for number, partition_id in partitions
                for row in store.delivered(partition_id, limit, key=key, since=since)
            ]

        found = self._access.read(None, read)
        return sorted(found, key=attrgetter("id"), reverse=True)[:limit]

    def redeliver(self, queue: str, partition: int, from_seq: int, to_seq: int | None) -> tuple[int, int]:
        """Write messages anew in one transaction, in their order; return the partition's id and how many."""
        self._installation.verify()

        def again(store: KeptStore) -> tuple[int, int]:
            # Of today: what a retired one had is read and not delivered again.
            partitions = [id_ for number, id_ in self._partitions(store, queue) if number < MAX_PARTITIONS]
            if not 0 <= partition < len(partitions):
                raise PartitionOutOfRange(queue, partition, len(partitions) - 1)
            partition_id = partitions[partition]
            first, last = store.hold(partition_id)
            if from_seq < first:
                raise ConfigurationError(
                    "from_seq", from_seq, f"what is kept of this partition begins with {first}"
                )
            upto = last if to_seq is None else min(to_seq, last)
            return partition_id, sum(self._copies(store, partition_id, from_seq, upto))

        return self._access.write(None, again)

    def _copies(self, store: KeptStore, partition_id: int, first: int, last: int) -> list[int]:
        """Write copies of a range, page by page, and return how many each page had."""
        counts = []
        for begin in range(first, last + 1, PAGE):
            end = min(begin + PAGE - 1, last)
            rows = store.delivered(partition_id, PAGE, after=begin - 1, upto=end)
            counts.append(len(store.enqueue([self._copy(partition_id, row) for row in reversed(rows)])))
        return counts

    def _copy(self, partition_id: int, row: Delivered) -> PreparedMessage:
        name = decode_text(row.uid) or self._installation.uid(row.message_id, decode_time(row.created_at))
        return PreparedMessage(
            partition_id,
            bytes(row.payload),
            decode_text(row.payload_type),
            decode_text(row.headers),
            decode_text(row.message_key),
            origin=name,
        )

    def _message(self, queue: str, index: int, partition_id: int, row: Delivered) -> OutboxMessage:
        return OutboxMessage(
            int(row.message_id),
            queue,
            index,
            partition_id,
            int(row.seq),
            bytes(row.payload),
            decode_text(row.payload_type),
            decode_headers(decode_text(row.headers)),
            decode_time(row.created_at),
            key=decode_text(row.message_key),
            uid=decode_text(row.uid),
            origin=decode_text(row.origin),
            names=self._installation,
            codec=self._codec,
        )

    def _partitions(self, store: KeptStore, queue: str) -> list[tuple[int, int]]:
        partitions = store.partitions(queue)
        if not partitions:
            raise QueueNotRegistered(queue)
        return partitions


def keep(backend: Backend) -> Callable[[str, int | None], None]:
    """Return what lets a queue keep what is delivered, for a number of microseconds; None ends it."""
    access = Access(backend, KeptStore)
    return lambda queue, keep_us: access.write(None, lambda store: store.keep(queue, keep_us))
