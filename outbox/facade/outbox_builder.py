"""Describe an outbox step by step, then open or start it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, NoReturn

from outbox.errors import ConfigurationError
from outbox.facade.assembly import assemble_handle, assemble_outbox
from outbox.facade.checked import (
    checked_attempts,
    checked_lease,
    checked_rate,
    checked_tuning,
    refuse_unknown,
)
from outbox.facade.declared import Declared, declared_by
from outbox.facade.handle import OutboxHandle
from outbox.facade.options import Declaration
from outbox.facade.options_builder import OptionsBuilder
from outbox.facade.outbox import Outbox
from outbox.facade.patience import patiently
from outbox.handlers.around import Wrapper, checked_wrappers
from outbox.handlers.batch import Batch
from outbox.handlers.call import BatchAdapter, PerMessageAdapter
from outbox.handlers.signature import checked_handler
from outbox.handlers.transactional import TransactionalBatch, TransactionalPerMessage
from outbox.values.durations import seconds
from outbox.values.lease_config import LeaseConfig
from outbox.values.message import OutboxMessage
from outbox.values.park_limits import OnGiveUp, ParkLimits, checked_give_up
from outbox.values.partitions import Partitions
from outbox.values.rate import Rate
from outbox.values.results import HandlerResult
from outbox.values.validation import validate_queue
from outbox.values.worker_tuning import WorkerTuning


class OutboxBuilder(OptionsBuilder):
    """Collects options; every method but `open` and `start` returns the builder itself, or a `QueueBuilder`.

    A bad value raises `ConfigurationError` at once. Not thread-safe; may be used for several outboxes.
    """

    def queue(self, name: str, partitions: Partitions | int) -> QueueBuilder:
        """Declare a queue; say on the `QueueBuilder` how it is consumed.

        Raises `InvalidQueueName`, and `ConfigurationError` for a queue declared twice.
        """
        validate_queue(name)
        count = partitions if isinstance(partitions, Partitions) else Partitions.of(partitions)
        if name in self._queues():
            raise declared_already(name)
        # Remembered at once: a queue that is never decided upon must not be forgotten in silence.
        self._with(declarations=(*self._options.declarations, Declaration(name, count, decided=False)))
        return QueueBuilder(name, count, self._declare)

    def handlers(self, *sources: Declared | str) -> OutboxBuilder:
        """Declare the queues of `Handlers` objects, and of those in modules, which it imports by their names.

        Raises `ConfigurationError` for a queue declared twice and a module without such an object; what an
        import raises comes through.
        """
        for declaration in declared_by(sources):
            self.queue(declaration.queue, declaration.partitions)
            self._declare(declaration)
        return self

    def open(self) -> Outbox:
        """Return an `Outbox` to enqueue with: no workers, and no handlers needed.

        Connects, checks the tables and registers the queues. Raises `SchemaNotReady`,
        `PartitionCountMismatch`, `UnsupportedServer`, `MissingDriver`, `ConfigurationError`, and
        `DatabaseError` with its kinds: `ConnectionLost`, `PermissionRefused`, `ReadOnlyServer`.
        """
        return assemble_outbox(self._options)

    def start(self, *, wait: float | timedelta = 0.0) -> OutboxHandle:
        """Do what `open` does, then start the workers; return their handle.

        For ``wait`` seconds it tries again while the database cannot be reached, accepts no writes or lacks
        the tables, and logs what it waits for; then it raises the last error.

        Raises `ConfigurationError` when a queue has neither a handler nor `enqueue_only`, or none has a
        handler, and what `open` raises.
        """
        return patiently(lambda: assemble_handle(self._options), seconds(wait, option="wait"))

    def _declare(self, declaration: Declaration) -> OutboxBuilder:
        """Put a decided queue in its place."""
        queues = self._queues()
        if queues[declaration.queue].decided:
            raise declared_already(declaration.queue)
        queues[declaration.queue] = declaration
        return self._with(declarations=tuple(queues.values()))

    def _queues(self) -> dict[str, Declaration]:
        return {declaration.queue: declaration for declaration in self._options.declarations}


class QueueBuilder:
    """A queue that is being declared; each method says how it is consumed and returns the `OutboxBuilder`.

    Call one of them, once. Each raises `ConfigurationError` for a bad or unknown option.
    """

    def __init__(
        self, queue: str, partitions: Partitions, declare: Callable[[Declaration], OutboxBuilder]
    ) -> None:
        """Use `OutboxBuilder.queue` instead."""
        self._queue = queue
        self._partitions = partitions
        self._declare = declare

    def leased(
        self,
        handler: Callable[[OutboxMessage], HandlerResult],
        *,
        lease: LeaseConfig | None = None,
        max_attempts: int | None = None,
        on_give_up: OnGiveUp = "dead_letter",
        park_limits: ParkLimits | None = None,
        tuning: WorkerTuning | None = None,
        around: Wrapper | Sequence[Wrapper] | None = None,
        rate: Rate | None = None,
        keep: float | timedelta | None = None,
        **unknown: NoReturn,
    ) -> OutboxBuilder:
        """Call ``handler(msg)`` outside any transaction, at least once per message.

        ``max_attempts`` failed deliveries send a message to the dead letters; None retries for ever.
        With ``on_give_up="park_key"`` the message and all later ones of its key wait apart, in order, until
        `Outbox.parked` releases them; those without a key are dead letters.
        ``tuning`` overrides the profile's processor tuning. Without ``lease`` the tuning's lease
        duration holds. ``around`` is run around each call, inside the wrappers of `OutboxBuilder.around`.
        ``rate`` limits the deliveries of all processes that declare it: messages wait, in order. For ``keep``
        seconds what was delivered stays, see `Outbox.history`; 0 ends it, None leaves it as it is.
        """
        refuse_unknown(unknown)
        adapter = PerMessageAdapter(checked_handler(handler, "msg"))
        parks = checked_give_up(on_give_up, park_limits, max_attempts)
        return self._consumed(
            max_attempts,
            tuning,
            around,
            rate,
            keep,
            per_message=True,
            parks=parks,
            leased=adapter,
            lease=checked_lease(lease),
        )

    def leased_batch(
        self,
        handler: Callable[[Batch], HandlerResult],
        *,
        lease: LeaseConfig | None = None,
        max_attempts: int | None = None,
        on_give_up: OnGiveUp = "dead_letter",
        park_limits: ParkLimits | None = None,
        tuning: WorkerTuning | None = None,
        around: Wrapper | Sequence[Wrapper] | None = None,
        rate: Rate | None = None,
        keep: float | timedelta | None = None,
        **unknown: NoReturn,
    ) -> OutboxBuilder:
        """Call ``handler(batch)`` outside any transaction, at least once per message; see `leased`."""
        refuse_unknown(unknown)
        adapter = BatchAdapter(checked_handler(handler, "batch"))
        parks = checked_give_up(on_give_up, park_limits, max_attempts)
        return self._consumed(
            max_attempts,
            tuning,
            around,
            rate,
            keep,
            per_message=False,
            parks=parks,
            leased=adapter,
            lease=checked_lease(lease),
        )

    def transactional(
        self,
        handler: Callable[[Any, OutboxMessage], HandlerResult],
        *,
        max_attempts: int | None = None,
        on_give_up: OnGiveUp = "dead_letter",
        park_limits: ParkLimits | None = None,
        tuning: WorkerTuning | None = None,
        around: Wrapper | Sequence[Wrapper] | None = None,
        rate: Rate | None = None,
        keep: float | timedelta | None = None,
        **unknown: NoReturn,
    ) -> OutboxBuilder:
        """Call ``handler(conn, msg)`` inside the transaction that moves the cursor: exactly once.

        ``conn`` is the driver's connection, or SQLAlchemy's when the outbox was built from an Engine.
        Leave commit and rollback to the outbox.
        """
        refuse_unknown(unknown)
        wrapped = TransactionalPerMessage(checked_handler(handler, "conn", "msg"))
        parks = checked_give_up(on_give_up, park_limits, max_attempts)
        return self._consumed(
            max_attempts,
            tuning,
            around,
            rate,
            keep,
            per_message=True,
            parks=parks,
            transactional=wrapped,
        )

    def transactional_batch(
        self,
        handler: Callable[[Any, list[OutboxMessage]], HandlerResult],
        *,
        max_attempts: int | None = None,
        on_give_up: OnGiveUp = "dead_letter",
        park_limits: ParkLimits | None = None,
        tuning: WorkerTuning | None = None,
        around: Wrapper | Sequence[Wrapper] | None = None,
        rate: Rate | None = None,
        keep: float | timedelta | None = None,
        **unknown: NoReturn,
    ) -> OutboxBuilder:
        """Call ``handler(conn, msgs)`` inside the transaction that moves the cursor: all or nothing."""
        refuse_unknown(unknown)
        wrapped = TransactionalBatch(checked_handler(handler, "conn", "msgs"))
        parks = checked_give_up(on_give_up, park_limits, max_attempts)
        return self._consumed(
            max_attempts,
            tuning,
            around,
            rate,
            keep,
            per_message=False,
            parks=parks,
            transactional=wrapped,
        )

    def enqueue_only(self, **unknown: NoReturn) -> OutboxBuilder:
        """Only enqueue to the queue here; another process consumes it."""
        refuse_unknown(unknown)
        return self._declare(Declaration(self._queue, self._partitions))

    def _consumed(
        self,
        max_attempts: int | None,
        tuning: WorkerTuning | None,
        around: Wrapper | Sequence[Wrapper] | None,
        rate: Rate | None,
        keep: float | timedelta | None,
        *,
        per_message: bool,
        **handling: Any,
    ) -> OutboxBuilder:
        return self._declare(
            Declaration(
                self._queue,
                self._partitions,
                max_attempts=checked_attempts(max_attempts),
                tuning=checked_tuning(tuning),
                wrappers=checked_wrappers(around),
                per_message=per_message,
                rate=checked_rate(rate),
                keep=None if keep is None else seconds(keep, option="keep"),
                **handling,
            )
        )


def declared_already(name: str) -> ConfigurationError:
    """Make the error for a queue's second declaration."""
    return ConfigurationError("queue", name, "it is declared already; declare each queue once")
