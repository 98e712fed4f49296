"""The producer's side: write messages in the caller's transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from outbox.backends.protocol import Backend
from outbox.connections.asynchronous import in_greenlet
from outbox.dead_letters import DeadLetters
from outbox.enqueue.place import RightPlace
from outbox.errors import ConfigurationError, OutboxClosed
from outbox.facade.ground_watch import GroundWatch
from outbox.facade.kept import Kept
from outbox.facade.preparing import Preparing
from outbox.facade.queue_methods import QueueMethods
from outbox.facade.registry import Registry, register
from outbox.facade.status import OutboxStatus, read_status
from outbox.facade.transaction_share import TransactionShare
from outbox.facade.writing import Writing
from outbox.installation import Installation
from outbox.queues.administration import Administration
from outbox.queues.parked import Parked
from outbox.queues.reshaping import Reshaping
from outbox.queues.resizing import Resizing
from outbox.runtime.fork import ForkGuard
from outbox.values.bounds import LARGEST_BATCH
from outbox.values.dedup import DedupWindow, OnDuplicate
from outbox.values.delay import DeliverAfter
from outbox.values.durations import whole
from outbox.values.message import EnqueueMessage, EnqueueOptions, OutboxMessage
from outbox.values.partitions import Partitions
from outbox.wakeups.flush_buffer import FlushBuffer

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from outbox.facade.outbox_builder import OutboxBuilder


class Outbox(QueueMethods):
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
        preparing: Preparing,
        require_transaction: bool,
        make_pipeline: Callable[..., Any],
        installation: Installation,
        share: TransactionShare,
        ground: GroundWatch,
    ) -> None:
        """Use `Outbox.builder` instead."""
        self.backend = backend
        self._registry = registry
        self._flush_buffer = flush_buffer
        self._preparing = preparing
        self._writing = Writing(
            backend, flush_buffer, place, share, ground, require_transaction=require_transaction
        )
        # For `outbox.testing.drain`: the pipeline behind this outbox, run in the caller's thread.
        self._make_pipeline = make_pipeline
        self._guard = ForkGuard()
        self._closed = self._kept_open = False
        self._kept = Kept(backend, installation, preparing.codec)
        self._administration = Administration(backend)
        self._parked = Parked(backend, installation)
        self._reshaping = Reshaping(backend)
        self._resizing = Resizing(backend)
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
        deliver_after: DeliverAfter | None = None,
        dedup_key: str | bytes | None = None,
        dedup_window: DedupWindow | None = None,
        on_duplicate: OnDuplicate = "return",
    ) -> int:
        """Write one message in the transaction that is open on ``conn``; return its id.

        ``payload`` is bytes-like, or anything JSON can carry. ``partition`` is a 0-based index; ``key``
        picks the partition by a stable hash and stays with the message; with neither, messages are spread
        evenly. Messages of one partition are delivered in order.

        ``deliver_after`` is a number of seconds, a `timedelta` or an aware `datetime` by the database's
        clock: the message is not delivered earlier, and takes its place among the others when it is due.

        A queue takes one message of a ``dedup_key`` within ``dedup_window`` (seconds or a `timedelta`, a day
        unless given). For another one the id of the first is returned and nothing is written; with
        ``on_duplicate="raise"`` it is a `DuplicateMessage`.

        Raises, before anything is written: `QueueNotRegistered`, `InvalidQueueName`,
        `PartitionOutOfRange`, `ConfigurationError`, `PayloadTooLarge`, `InvalidPayload`,
        `InvalidPayloadType`, `InvalidHeaders`, `UnsupportedConnection`, `TransactionRequired` for a
        connection that would commit the message by itself, and `WrongDatabase` for one that leads elsewhere;
        `OutboxClosed` and `ForkedProcess`. The driver's errors pass as they are.
        """
        self._check_usable()
        message = EnqueueMessage(
            payload,
            partition=partition,
            key=key,
            payload_type=payload_type,
            headers=headers,
            deliver_after=deliver_after,
            dedup_key=dedup_key,
            dedup_window=dedup_window,
            on_duplicate=on_duplicate,
        )
        known = self._registry[queue]
        return self._writing.on(conn, known, [self._preparing.one(known, message)])[0]

    async def aenqueue(
        self, conn: object, queue: str, payload: object, **options: Unpack[EnqueueOptions]
    ) -> int:
        """Write one message in the transaction that is open on an asynchronous connection; return its id.

        ``conn`` is an AsyncSession or AsyncConnection of SQLAlchemy, psycopg's AsyncConnection, or asyncpg's
        Connection. The statements are awaited, the loop is not blocked. For the rest see `enqueue`.
        """
        write_on = partial(self.enqueue, queue=queue, payload=payload, **options)
        return await in_greenlet(conn, self.backend.catalog.backend, write_on)

    def enqueue_batch(self, conn: object, queue: str, messages: Iterable[EnqueueMessage]) -> list[int]:
        """Write any number of messages in the transaction that is open on ``conn``; return their ids.

        Every message is checked before the first is written; the ids come in the messages' order.
        Raises as `enqueue` does; an error about one message has its place among them as ``index``.
        """
        self._check_usable()
        known = self._registry[queue]
        prepared = self._preparing.many(known, messages)
        return self._writing.on(conn, known, prepared)

    def enqueue_now(self, queue: str, payload: object, **options: Unpack[EnqueueOptions]) -> int:
        """Write one message in a transaction of its own, commit it and flush; return its id.

        Takes what `enqueue` takes, but for the connection. One round trip on PostgreSQL, where one statement
        writes it. Raises what `enqueue` does about the message; what the server says is a `DatabaseError`,
        `ConnectionLost` for one that is away.
        """
        self._check_usable()
        message = EnqueueMessage(payload, **options)
        known = self._registry[queue]
        return self._writing.alone(known, self._preparing.one(known, message))

    def transaction(self) -> AbstractContextManager[Any]:
        """Lend a connection of the outbox's own with an open transaction.

        It is the driver's connection (psycopg, mysql.connector, sqlite3), or SQLAlchemy's when the
        outbox was built from an Engine. Commits and flushes at the end, rolls back on an exception.
        Beside workers of this process, `OutboxBuilder.producer_connections` of them are open at once.

        Ends with `DatabaseError` when not all of the block can be committed: it ended the transaction
        or swallowed an error that aborts it; with `ConnectionLost` when the connection is gone. Errors
        inside the block pass as they are.
        """
        self._check_usable()
        return self._writing.transaction()

    def flush(self) -> None:
        """Wake the pipeline for what was enqueued and committed since the last flush, in any thread.

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

    def history(
        self, queue: str, *, key: str | bytes | None = None, since: datetime | None = None, limit: int = 100
    ) -> list[OutboxMessage]:
        """Return the latest messages that a queue has delivered and keeps, newest first.

        Those of a queue with ``keep``; of another one what the vacuum has not come to yet. ``since`` is an
        aware time: enqueued then or later. With a ``key`` all that is kept is looked through.
        """
        self._check_usable()
        given: object = since
        if given is not None and (not isinstance(given, datetime) or given.utcoffset() is None):
            raise ConfigurationError("since", since, "give an aware datetime")
        whole(limit, option="limit", minimum=1, maximum=LARGEST_BATCH)
        return self._kept.history(queue, key=key, since=since, limit=limit)

    def redeliver(self, queue: str, partition: int, from_seq: int, to_seq: int | None = None) -> int:
        """Deliver what a partition has delivered and keeps once more, as new messages; return how many.

        From ``from_seq`` to ``to_seq``, the last one delivered unless given, in order, in one transaction.
        The new messages have the old ones' key, headers and payload, and their `uid` as ``origin``. What was
        given up is left to `dead_letters`. Raises `ConfigurationError` for numbers no longer kept.
        """
        self._check_usable()
        whole(from_seq, option="from_seq", minimum=1)
        if to_seq is not None:
            whole(to_seq, option="to_seq", minimum=from_seq)
        partition_id, count = self._kept.redeliver(queue, partition, from_seq, to_seq)
        self._flush_buffer.committed({partition_id} if count else set())
        return count

    @property
    def dead_letters(self) -> DeadLetters:
        """The messages that were given up: list, replay, discard or requeue them."""
        return self._dead_letters

    def keep_open(self) -> Callable[[], None]:
        """Refuse `close` from now on, as workers need the connections; return what does it."""
        self._kept_open = True
        return self._close

    def close(self) -> None:
        """Close the outbox's own connections. Idempotent; an Engine or pool passed in stays open.

        Raises `ConfigurationError` for the outbox of a handle, which its `stop` closes.
        """
        # In a forked child it would say goodbye on the sockets of its parent.
        self._guard.check()
        self._refuse_if_kept()
        self._close()

    def _refuse_if_kept(self) -> None:
        if self._kept_open and not self._closed:
            problem = "its workers need the connections; use it without with, and stop() the handle"
            raise ConfigurationError("outbox", "that of a handle", problem)

    def _close(self) -> None:
        self._closed = True
        self._writing.close()
        self.backend.close()

    def __enter__(self) -> Self:
        # Before the block, whose end would be the first to know.
        self._refuse_if_kept()
        self._check_usable()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_usable(self) -> None:
        self._guard.check()
        if self._closed:
            raise OutboxClosed("this outbox is closed; build a new one")
