"""The producer's side: write messages in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from outbox.backends.protocol import Backend
from outbox.connections.adapt import adapt
from outbox.connections.connection import ProducerConnection
from outbox.dead_letters import DeadLetters
from outbox.enqueue.place import RightPlace
from outbox.enqueue.prepared_message import PreparedMessage
from outbox.enqueue.write import write
from outbox.errors import ConfigurationError, OutboxClosed, OutboxError, TransactionRequired
from outbox.events import Enqueued
from outbox.facade.registry import RegisteredQueue, Registry
from outbox.facade.status import OutboxStatus, read_status
from outbox.installation import Installation
from outbox.runtime.fork import ForkGuard
from outbox.values.durations import whole
from outbox.values.headers import HeaderSource, encode_headers, gather_headers, with_context
from outbox.values.keys import key_text
from outbox.values.message import EnqueueMessage
from outbox.values.partitions import Partitions
from outbox.values.payloads import check_size, encode
from outbox.values.validation import validate_queue
from outbox.wakeups.flush_buffer import FlushBuffer

if TYPE_CHECKING:
    from typing_extensions import Self

    from outbox.facade.outbox_builder import OutboxBuilder


class Outbox:
    """Writes messages; made by `Outbox.builder`. Thread-safe; not to be used across a fork.

    Enqueueing never begins, commits, rolls back, retries or closes anything: the transaction is the
    caller's, and the driver's own errors come through unchanged.
    """

    def __init__(
        self,
        backend: Backend,
        registry: Registry,
        flush_buffer: FlushBuffer,
        place: RightPlace,
        *,
        max_payload_size: int,
        require_transaction: bool,
        header_sources: Sequence[HeaderSource],
        make_pipeline: Callable[..., Any],
        installation: Installation,
    ) -> None:
        """Use `Outbox.builder` instead."""
        self.backend = backend
        self._registry = registry
        self._flush_buffer = flush_buffer
        self._place = place
        self._max_payload_size = max_payload_size
        self._require_transaction = require_transaction
        self._header_sources = header_sources
        # For `outbox.testing.drain`: the pipeline behind this outbox, run in the caller's thread.
        self._make_pipeline = make_pipeline
        self._guard = ForkGuard()
        self._closed = False
        self._dead_letters = DeadLetters(backend, flush_buffer, self._check_usable, installation, place)

    @staticmethod
    def builder(target: object) -> OutboxBuilder:
        """Begin to describe an outbox over a URL, an `sqlalchemy.Engine` or a `psycopg_pool.ConnectionPool`.

        Raises `ConfigurationError` for a target that cannot work.
        """
        # The builder puts everything together, this class included.
        from outbox.facade.outbox_builder import OutboxBuilder

        return OutboxBuilder(target)

    def enqueue(
        self,
        conn: object,
        queue: str,
        payload: object,
        *,
        partition: int | None = None,
        key: str | bytes | None = None,
        payload_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """Write one message in the transaction that is open on ``conn``; return its id.

        ``payload`` is bytes-like, or anything JSON can carry. ``partition`` is a 0-based index; ``key``
        picks the partition by a stable hash and stays with the message; with neither, messages are spread
        evenly. Messages of one partition are delivered in order.

        Raises, before anything is written: `QueueNotRegistered`, `InvalidQueueName`,
        `PartitionOutOfRange`, `ConfigurationError`, `PayloadTooLarge`, `InvalidPayload`,
        `InvalidPayloadType`, `InvalidHeaders`, `UnsupportedConnection`, `TransactionRequired` for a
        connection that would commit the message by itself, and `WrongDatabase` for one that leads elsewhere.
        """
        self._check_usable()
        message = EnqueueMessage(
            payload, partition=partition, key=key, payload_type=payload_type, headers=headers
        )
        known = self._registry[queue]
        prepared = self._prepare(known, message, gather_headers(self._header_sources))
        return self._write(self._adapt(conn), known, [prepared])[0]

    def enqueue_batch(self, conn: object, queue: str, messages: Iterable[EnqueueMessage]) -> list[int]:
        """Write any number of messages in the transaction that is open on ``conn``; return their ids.

        Every message is checked before the first is written; the ids come in the messages' order.
        Raises as `enqueue` does; an error about one message has its place among them as ``index``.
        """
        self._check_usable()
        known = self._registry[queue]
        given: object = messages
        if not isinstance(given, Iterable):
            raise ConfigurationError(
                "messages", type(given).__name__, "give a list of EnqueueMessage objects"
            )
        context = gather_headers(self._header_sources)
        prepared: list[PreparedMessage] = []
        try:
            for message in messages:
                prepared.append(self._prepare(known, message, context))  # noqa: PERF401 - its length is the index
        except OutboxError as error:
            error.index = len(prepared)
            raise
        connection = self._adapt(conn)
        return self._write(connection, known, prepared) if prepared else []

    def enqueue_now(
        self,
        queue: str,
        payload: object,
        *,
        partition: int | None = None,
        key: str | bytes | None = None,
        payload_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """Write one message in a transaction of its own, commit it and flush; return its id.

        One round trip on PostgreSQL, where one statement writes it. Raises what `enqueue` does about the
        message; what the server says is a `DatabaseError`, `ConnectionLost` for one that is away.
        """
        self._check_usable()
        message = EnqueueMessage(
            payload, partition=partition, key=key, payload_type=payload_type, headers=headers
        )
        known = self._registry[queue]
        prepared = self._prepare(known, message, gather_headers(self._header_sources))
        with self._own_connection() as conn:
            (id_,) = write(adapt(conn), self._place.own_catalog(), [prepared])
        # Not `flush`, which would speak of the caller's other, uncommitted messages, too.
        self._flush_buffer.committed({prepared.partition_id})
        if self._flush_buffer.observers.want(Enqueued):
            self._flush_buffer.tell_committed(enqueued(known, [prepared], [id_]), None)
        return id_

    def _own_connection(self) -> AbstractContextManager[Any]:
        """Lend a connection on which one message is committed when the block ends."""
        if self.backend.catalog.dialect.enqueues_in_one_statement:
            return self.backend.reading()
        return self.backend.writing()

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Lend a connection of the outbox's own with an open transaction.

        It is the driver's connection (psycopg, mysql.connector, sqlite3), or SQLAlchemy's when the
        outbox was built from an Engine. Commits and flushes at the end, rolls back on an exception.

        Ends with `DatabaseError` when not all of the block can be committed: it ended the transaction
        or swallowed an error that aborts it; with `ConnectionLost` when the connection is gone. Errors
        inside the block pass as they are.
        """
        self._check_usable()
        # Another transaction of this thread may be open.
        with self._flush_buffer.own_transaction():
            with self.backend.connection() as conn:
                self._place.trust(adapt(conn))
                yield conn
            # Not `flush`, which refuses once the outbox is closed: what is committed is committed.
            self._flush_buffer.flush()

    def flush(self) -> None:
        """Wake the pipeline for what this thread has enqueued and committed since its last flush.

        Optional: without it the messages are found by polling. Call it after the commit; SQLAlchemy
        and Django connections do it by themselves. Never raises for a server that is away.
        """
        self._check_usable()
        self._flush_buffer.flush()

    def register_queue(self, queue: str, partitions: Partitions | int) -> None:
        """Create the queue's rows if they do not exist, and let this outbox enqueue to it.

        Idempotent. Raises `PartitionCountMismatch` if the queue exists with another count.
        """
        self._check_usable()
        register(self.backend, self._registry, queue, partitions)

    def queue_of(self, partition_id: int) -> str | None:
        """Return the name of the queue that a partition id belongs to, None if there is none."""
        self._check_usable()
        partition_id = whole(partition_id, option="partition_id")
        known = self._registry.queue_of(partition_id)
        if known is not None:
            return known
        found = self.backend.find_queue(partition_id)
        return found[0] if found else None

    def status(self) -> OutboxStatus:
        """Read the state of every queue's partitions, and of the dead letters, from the tables.

        The same answer in every process, whichever queues it declares.
        """
        self._check_usable()
        return read_status(self.backend)

    @property
    def dead_letters(self) -> DeadLetters:
        """The messages that were given up: list, replay, discard or requeue them."""
        return self._dead_letters

    def close(self) -> None:
        """Close the outbox's own connections. Idempotent; an Engine or pool passed in stays open."""
        # In a forked child it would say goodbye on the sockets of its parent.
        self._guard.check()
        self._closed = True
        self.backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _prepare(
        self, queue: RegisteredQueue, message: EnqueueMessage, context: Mapping[str, str]
    ) -> PreparedMessage:
        given: object = message
        if not isinstance(given, EnqueueMessage):
            raise ConfigurationError("messages", type(given).__name__, "give EnqueueMessage objects")
        partition_id = queue.choose(message.partition, message.key)
        data, payload_type = encode(message.payload, message.payload_type)
        check_size(data, self._max_payload_size)
        headers = encode_headers(with_context(message.headers, context))
        return PreparedMessage(partition_id, data, payload_type, headers, key_text(message.key))

    def _write(
        self, connection: ProducerConnection, queue: RegisteredQueue, prepared: Sequence[PreparedMessage]
    ) -> list[int]:
        ids = write(connection, self._place.catalog(connection), prepared)
        self._flush_buffer.note({message.partition_id for message in prepared})
        connection.on_commit(self._flush_buffer.on_commit)
        if self._flush_buffer.observers.want(Enqueued):
            self._flush_buffer.tell_committed(enqueued(queue, prepared, ids), connection.on_commit)
        return ids

    def _adapt(self, conn: object) -> ProducerConnection:
        connection = adapt(conn, self.backend.catalog.backend)
        if self._require_transaction and not connection.in_transaction():
            raise TransactionRequired(connection.kind)
        return connection

    def _check_usable(self) -> None:
        self._guard.check()
        if self._closed:
            raise OutboxClosed("this outbox is closed; build a new one")


def enqueued(queue: RegisteredQueue, messages: Sequence[PreparedMessage], ids: Sequence[int]) -> Enqueued:
    """Return the event of written messages."""
    indexes = {partition_id: index for index, partition_id in enumerate(queue.partition_ids)}
    partitions = tuple(indexes[message.partition_id] for message in messages)
    return Enqueued(queue=queue.name, count=len(ids), message_ids=tuple(ids), partitions=partitions)


def register(
    backend: Backend, registry: Registry, queue: str, partitions: Partitions | int
) -> tuple[int, ...]:
    """Make a queue known to the database and to this process; return its partition ids."""
    validate_queue(queue)
    count = partitions if isinstance(partitions, Partitions) else Partitions.of(partitions)
    return registry.add(queue, count, backend.register_queue(queue, count.count)).partition_ids
