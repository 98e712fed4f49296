"""Keys that wait apart, for operators: look, release, discard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

from outbox.access import Access
from outbox.backends.protocol import Sources
from outbox.connections.connection import ProducerConnection
from outbox.enqueue.prepared_message import PreparedMessage
from outbox.enqueue.write import write
from outbox.errors import ConfigurationError, QueueNotRegistered
from outbox.queues.numbering import index_of
from outbox.queues.queue_rows import QueueRows
from outbox.statements import Catalog
from outbox.statements.dialect import decode_text, decode_time
from outbox.values.bounds import LARGEST_ID
from outbox.values.durations import whole
from outbox.values.identity import Names
from outbox.values.keys import key_text
from outbox.values.validation import validate_queue

Keys: TypeAlias = "list[ParkedKeyStatus]"

AT_ONCE = 200
"""Messages read and written together: their payloads are in memory."""


@dataclass(frozen=True)
class ParkedKeyStatus:
    """A key whose messages wait apart."""

    queue: str
    partition: int
    partition_id: int
    key: str
    messages: int
    payload_bytes: int
    parked_at: datetime
    last_error: str | None
    """Of the first message; None where an operator parked the key."""


class Parked:
    """The parked keys of an outbox; reached as ``outbox.parked``. Thread-safe."""

    def __init__(self, backend: Sources, names: Names) -> None:
        """Use `Outbox.parked` instead."""
        self._access = Access(backend, partial(Store, names=names))

    def list(self, queue: str | None = None, limit: int = 100) -> Keys:
        """Return keys that wait, those parked first at the head."""
        wanted, most = checked_queue(queue), whole(limit, option="limit", minimum=1)
        return self._access.read(None, lambda store: store.keys(wanted, most))

    def count(self, queue: str | None = None) -> int:
        """Return how many keys wait."""
        wanted = checked_queue(queue)
        return self._access.read(None, lambda store: store.count(wanted)[0])

    def count_messages(self, queue: str | None = None) -> int:
        """Return how many messages wait with them."""
        wanted = checked_queue(queue)
        return self._access.read(None, lambda store: store.count(wanted)[1])

    def park(self, queue: str, key: str | bytes) -> None:
        """Put the messages of a key apart that no worker has begun; see `Outbox.pause`."""
        name, text = validate_queue(queue), str(key_text(key))
        self._access.write(None, lambda store: store.park(name, text))

    def release(self, queue: str, key: str | bytes) -> int:
        """Deliver a key's whole sequence, in order and before newer messages of it; return how many waited.

        They get new numbers and ids at the end of the partition and keep their ``uid``. What of the key has
        a number already is numbered once more, behind them. One transaction, in which the partition's
        sequencer and worker wait. 0 when the key is not parked.
        """
        name, text = validate_queue(queue), str(key_text(key))
        return self._access.write(None, lambda store: store.release(name, text, discard=False))

    def discard(self, queue: str, key: str | bytes) -> int:
        """Make discarded dead letters of what waits of a key; return how many. Later messages flow again."""
        name, text = validate_queue(queue), str(key_text(key))
        return self._access.write(None, lambda store: store.release(name, text, discard=True))


class Store(QueueRows):
    """The statements of ``parking.sql`` for operators, in whatever transaction is open on the connection."""

    def __init__(self, connection: ProducerConnection, catalog: Catalog, names: Names) -> None:
        super().__init__(connection, catalog)
        self._names = names

    def keys(self, queue: str | None, limit: int) -> Keys:
        """Return the keys that wait."""
        return [
            ParkedKeyStatus(
                str(decode_text(name)),
                int(partition),
                int(partition_id),
                str(decode_text(key)),
                int(messages),
                int(size),
                decode_time(parked_at),
                decode_text(error),
            )
            for name, partition, partition_id, key, parked_at, messages, size, error in self._run(
                "list_parked", queue=queue, limit=limit
            )
        ]

    def count(self, queue: str | None) -> tuple[int, int]:
        """Return how many keys and messages wait."""
        ((keys, messages),) = self._run("count_parked", queue=queue)
        return int(keys), int(messages)

    def park(self, queue: str, text: str) -> None:
        """Add a key to the set of its partition, and of those that may have it still after a resize."""
        numbering = self.numbering(queue)
        if numbering is None:
            raise QueueNotRegistered(queue)
        for places in numbering.generations:
            partition_id = places[index_of(text, len(places))].partition_id
            sequence, cursor, retired = self._lock(partition_id)
            if not retired or cursor < sequence:
                _, until = self._entry(partition_id, text) or ("", 0)
                self._put(partition_id, text, "parked", until)

    def release(self, queue: str, key: str, *, discard: bool) -> int:
        """Number a key's messages anew, or discard those that wait; return how many waited."""
        numbering = self.numbering(queue)
        places = [place for places in numbering.generations for place in places] if numbering else []
        return sum(self._release(place.partition_id, key, discard=discard) for place in places)

    def _release(self, partition_id: int, key: str, *, discard: bool) -> int:
        sequence, cursor, retired = self._lock(partition_id)
        entry = self._entry(partition_id, key)
        if entry is None or entry[0] != "parked":
            return 0
        if retired:
            problem = (
                "it waits in a partition that a resize has retired; release or discard it when outbox status "
                "shows that the resize is over"
            )
            raise ConfigurationError("key", key, problem)
        place = {"partition_id": partition_id, "message_key": self._text(key)}
        if discard:
            self._run("discard_parked", **place)
        waited, last = 0, sequence
        for rows in self._pages("read_parked", -LARGEST_ID, **place):
            waited += len(rows)
            if not discard:
                last = self._number(partition_id, last, rows)
        # Those up to `until` have been numbered anew already, by an earlier release.
        for rows in self._pages("read_sequenced", max(cursor, entry[1]), **place, last_seq=sequence):
            last = self._number(partition_id, last, rows)
        if last > sequence:
            self._run("set_sequence", partition_id=partition_id, sequence=last)
        self._run("delete_parked", **place)
        self._put(partition_id, key, "released", sequence)
        return waited

    def _number(self, partition_id: int, last: int, rows: list[tuple[Any, ...]]) -> int:
        """Write messages once more, with the next numbers; return the last of these."""
        ids = write(self._connection, self._catalog, [self._message(partition_id, *row) for row in rows])
        dialect = self._catalog.dialect
        self._run(
            "number_messages", partition_id=partition_id, numbered=dialect.records(enumerate(ids, last + 1))
        )
        self._run("take_from_incoming", partition_id=partition_id, body_ids=dialect.integers(ids))
        return last + len(ids)

    def _message(self, partition_id: int, *row: Any) -> PreparedMessage:
        _, message_id, payload, payload_type, headers, created_at, key, uid, origin = row
        enqueued = decode_time(created_at)
        return PreparedMessage(
            partition_id,
            bytes(payload),
            str(decode_text(payload_type)),
            decode_text(headers),
            decode_text(key),
            decode_text(uid) or self._names.uid(int(message_id), enqueued),
            decode_text(origin),
        )

    def _pages(self, statement: str, after: int, **parameters: Any) -> Iterator[list[tuple[Any, ...]]]:
        while rows := self._run(statement, **parameters, after_seq=after, limit=AT_ONCE):
            yield rows
            after = int(rows[-1][0])

    def _lock(self, partition_id: int) -> tuple[int, int, bool]:
        ((sequence, cursor, retired),) = self._run("lock_partition", partition_id=partition_id)
        return int(sequence), int(cursor), bool(retired)

    def _entry(self, partition_id: int, key: str) -> tuple[str, int] | None:
        rows = self._run("read_parked_key", partition_id=partition_id, message_key=self._text(key))
        return (str(decode_text(rows[0][0])), int(rows[0][1])) if rows else None

    def _put(self, partition_id: int, key: str, state: str, until: int) -> None:
        place = {"partition_id": partition_id, "message_key": self._text(key)}
        self._run("forget_released", partition_id=partition_id)
        self._run("put_parked_key", **place, state=state, until_seq=until)
        self._run("raise_parking", partition_ids=self._catalog.dialect.integers([partition_id]))

    def _text(self, key: str) -> str:
        return self._catalog.dialect.encode_text(key)


def checked_queue(queue: str | None) -> str | None:
    """Return a queue's name, or None for all queues."""
    return None if queue is None else validate_queue(queue)
