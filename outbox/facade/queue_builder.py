"""How one queue is consumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, NoReturn, TypeVar

from outbox.errors import ConfigurationError
from outbox.facade.declaration import Declaration
from outbox.handlers.batch import Batch
from outbox.handlers.call import BatchAdapter, PerMessageAdapter
from outbox.handlers.signature import checked_handler
from outbox.handlers.transactional import TransactionalBatch, TransactionalHandler, TransactionalPerMessage
from outbox.values.bounds import LARGEST_INTEGER
from outbox.values.durations import whole
from outbox.values.lease_config import LeaseConfig
from outbox.values.message import OutboxMessage
from outbox.values.partitions import Partitions
from outbox.values.results import HandlerResult
from outbox.values.worker_tuning import WorkerTuning
from outbox.workers.consumer import LeasedHandler

BuilderT = TypeVar("BuilderT")


class QueueBuilder(Generic[BuilderT]):
    """One queue, waiting to be told who consumes it; each method returns the `OutboxBuilder`.

    Call one of them, once. Each raises `ConfigurationError` for a bad or unknown option.
    """

    def __init__(
        self, queue: str, partitions: Partitions, declare: Callable[[Declaration], BuilderT]
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
        tuning: WorkerTuning | None = None,
        **unknown: NoReturn,
    ) -> BuilderT:
        """Call ``handler(msg)`` outside any transaction, at least once per message.

        ``max_attempts`` failed deliveries send a message to the dead letters; None retries for ever.
        ``tuning`` overrides the profile's processor tuning. Without ``lease`` the tuning's lease
        duration holds.
        """
        refuse_unknown(unknown)
        adapter = PerMessageAdapter(checked_handler(handler, "msg"))
        return self._leased(adapter, lease, max_attempts, tuning, per_message=True)

    def leased_batch(
        self,
        handler: Callable[[Batch], HandlerResult],
        *,
        lease: LeaseConfig | None = None,
        max_attempts: int | None = None,
        tuning: WorkerTuning | None = None,
        **unknown: NoReturn,
    ) -> BuilderT:
        """Call ``handler(batch)`` outside any transaction, at least once per message; see `leased`."""
        refuse_unknown(unknown)
        adapter = BatchAdapter(checked_handler(handler, "batch"))
        return self._leased(adapter, lease, max_attempts, tuning, per_message=False)

    def transactional(
        self,
        handler: Callable[[Any, OutboxMessage], HandlerResult],
        *,
        max_attempts: int | None = None,
        tuning: WorkerTuning | None = None,
        **unknown: NoReturn,
    ) -> BuilderT:
        """Call ``handler(conn, msg)`` inside the transaction that moves the cursor: exactly once.

        ``conn`` is the driver's connection, or SQLAlchemy's when the outbox was built from an Engine.
        Leave commit and rollback to the outbox.
        """
        refuse_unknown(unknown)
        wrapped = TransactionalPerMessage(checked_handler(handler, "conn", "msg"))
        return self._transactional(wrapped, max_attempts, tuning, per_message=True)

    def transactional_batch(
        self,
        handler: Callable[[Any, list[OutboxMessage]], HandlerResult],
        *,
        max_attempts: int | None = None,
        tuning: WorkerTuning | None = None,
        **unknown: NoReturn,
    ) -> BuilderT:
        """Call ``handler(conn, msgs)`` inside the transaction that moves the cursor: all or nothing."""
        refuse_unknown(unknown)
        wrapped = TransactionalBatch(checked_handler(handler, "conn", "msgs"))
        return self._transactional(wrapped, max_attempts, tuning, per_message=False)

    def enqueue_only(self, **unknown: NoReturn) -> BuilderT:
        """Only enqueue to the queue here; another process consumes it."""
        refuse_unknown(unknown)
        return self._declare(Declaration(self._queue, self._partitions))

    def _leased(
        self,
        deliver: LeasedHandler,
        lease: LeaseConfig | None,
        max_attempts: int | None,
        tuning: WorkerTuning | None,
        *,
        per_message: bool,
    ) -> BuilderT:
        if lease is not None and not isinstance(lease, LeaseConfig):
            raise ConfigurationError("lease", lease, "give a LeaseConfig")
        return self._declare(
            Declaration(
                self._queue,
                self._partitions,
                leased=deliver,
                lease=lease,
                max_attempts=checked_attempts(max_attempts),
                tuning=checked_tuning(tuning),
                per_message=per_message,
            )
        )

    def _transactional(
        self,
        wrapped: TransactionalHandler,
        max_attempts: int | None,
        tuning: WorkerTuning | None,
        *,
        per_message: bool,
    ) -> BuilderT:
        return self._declare(
            Declaration(
                self._queue,
                self._partitions,
                transactional=wrapped,
                max_attempts=checked_attempts(max_attempts),
                tuning=checked_tuning(tuning),
                per_message=per_message,
            )
        )


def refuse_unknown(options: Mapping[str, object]) -> None:
    """Raise `ConfigurationError` for the first of the options that do not exist.

    They are taken as ``**unknown: NoReturn``, so that the type checker still finds them.
    """
    for option, value in options.items():
        known = "leased queues have lease, max_attempts and tuning, transactional ones the last two"
        raise ConfigurationError(option, value, f"there is no such option here; {known}")


def checked_attempts(max_attempts: int | None) -> int | None:
    """Return a limit of at least 1, or None."""
    return (
        None
        if max_attempts is None
        else whole(max_attempts, option="max_attempts", minimum=1, maximum=LARGEST_INTEGER)
    )


def checked_tuning(tuning: WorkerTuning | None) -> WorkerTuning | None:
    """Return a tuning, or None."""
    if tuning is not None and not isinstance(tuning, WorkerTuning):
        raise ConfigurationError("tuning", tuning, "give a WorkerTuning")
    return tuning
