"""Write prepared messages: in the caller's transaction, or in one of the outbox's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from outbox.backends.protocol import Backend
from outbox.connections.adapt import adapt
from outbox.enqueue.place import RightPlace
from outbox.enqueue.prepared_message import PreparedMessage
from outbox.errors import TransactionRequired
from outbox.events import Enqueued
from outbox.facade.ground_watch import GroundWatch
from outbox.facade.preparing import enqueued
from outbox.facade.registry import RegisteredQueue
from outbox.facade.reserve import Reservations
from outbox.facade.transaction_share import TransactionShare
from outbox.wakeups.flush_buffer import FlushBuffer

Note = Callable[[RegisteredQueue, Sequence[PreparedMessage], Sequence[int]], object]


class Writing:
    """Writes messages, and notes whom to wake for them after the commit. Thread-safe."""

    def __init__(
        self,
        backend: Backend,
        flush_buffer: FlushBuffer,
        place: RightPlace,
        share: TransactionShare,
        ground: GroundWatch,
        *,
        require_transaction: bool,
    ) -> None:
        self._backend = backend
        self._flush_buffer = flush_buffer
        self._place = place
        self._share = share
        self._ground = ground
        self._reservations = Reservations(backend)
        self._require_transaction = require_transaction
        # For `outbox.testing.capture`: called with what was written, committed or not.
        self._notes: tuple[Note, ...] = ()

    def on(self, conn: object, queue: RegisteredQueue, messages: Sequence[PreparedMessage]) -> list[int]:
        """Write in the transaction that is open on ``conn``; the driver's errors pass through."""
        connection = adapt(conn, self._backend.catalog.backend)
        if self._require_transaction and not connection.in_transaction():
            raise TransactionRequired(connection.kind)
        if not messages:
            return []
        catalog = self._place.catalog(connection)
        ids, new, new_ids = self._reservations.write(connection, catalog, queue.name, messages)
        self._note(queue, new, new_ids)
        self._flush_buffer.note(to_wake(new))
        connection.on_commit(self._flush_buffer.on_commit)
        if new and self._flush_buffer.observers.want(Enqueued):
            self._flush_buffer.tell_committed(enqueued(queue, new, new_ids), connection.on_commit)
        return ids

    def alone(self, queue: RegisteredQueue, message: PreparedMessage) -> int:
        """Write one message in a transaction of its own; raises the library's errors."""
        catalog = self._place.own_catalog()
        with self._share.one(), self._own_connection(message) as conn:
            ids, new, new_ids = self._reservations.write(adapt(conn), catalog, queue.name, [message])
        self._note(queue, new, new_ids)
        # Not `flush`, which would speak of the caller's other, uncommitted messages, too.
        self._flush_buffer.committed(to_wake(new))
        if new and self._flush_buffer.observers.want(Enqueued):
            self._flush_buffer.tell_committed(enqueued(queue, new, new_ids), None)
        self._ground.look()
        return ids[0]

    def close(self) -> None:
        """Close what is not of the pool."""
        self._reservations.close()

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Lend a connection of the outbox's own with an open transaction; see `Outbox.transaction`."""
        # Another transaction of this thread may be open.
        with self._flush_buffer.own_transaction():
            with self._share.one(), self._backend.connection() as conn:
                self._place.trust(adapt(conn))
                yield conn
            # Not `Outbox.flush`, which refuses once that is closed: what is committed is committed.
            self._flush_buffer.flush()
        self._ground.look()

    @contextmanager
    def noting(self, note: Note) -> Iterator[None]:
        """Call ``note`` with everything that is written during the block."""
        self._notes = (*self._notes, note)
        try:
            yield
        finally:
            self._notes = tuple(each for each in self._notes if each is not note)

    def _own_connection(self, message: PreparedMessage) -> AbstractContextManager[Any]:
        """Lend a connection on which one message is committed when the block ends."""
        if message.dedup_key is None and self._backend.catalog.dialect.enqueues_in_one_statement:
            return self._backend.reading()
        return self._backend.writing()

    def _note(self, queue: RegisteredQueue, messages: Sequence[PreparedMessage], ids: Sequence[int]) -> None:
        for note in self._notes:
            note(queue, messages, ids)


def to_wake(messages: Sequence[PreparedMessage]) -> set[int]:
    """Return the partitions with something to do: for what waits, a poll finds what has become due."""
    return {message.partition_id for message in messages if not message.waits}
