"""Handlers that write in the transaction which moves the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from outbox.errors import DatabaseError
from outbox.handlers.invocation import failure_of
from outbox.handlers.outcome import Outcome
from outbox.handlers.verdict import call_handler
from outbox.values.message import OutboxMessage
from outbox.values.reasons import describe
from outbox.values.results import HandlerResult, Reject, Retry

TransactionalMessageHandler = Callable[[Any, OutboxMessage], HandlerResult]
TransactionalBatchHandler = Callable[[Any, Sequence[OutboxMessage]], HandlerResult]


class TransactionLost(DatabaseError):
    """The transaction ended under the handler, and the writes of all its messages are gone.

    ``retry`` is what the handler's call came to; the database's error is the ``__cause__``. Which
    message it concerns is not known.
    """

    def __init__(self, retry: Retry) -> None:
        super().__init__(retry.reason)
        self.retry = retry


class TransactionalHandler(Protocol):
    """What a transactional processor runs."""

    def run(
        self,
        conn: object,
        messages: Sequence[OutboxMessage],
        savepoint: Callable[[], None],
        rollback_to: Callable[[], None],
        cancelled: Callable[[], bool],
        *,
        seal: Callable[[], None] | None = None,
    ) -> Outcome:
        """Handle messages within an open transaction, and return what is to be committed.

        ``savepoint()`` releases the last savepoint and sets the next, ``rollback_to()`` undoes what
        came after it, ``seal()`` checks that what came after it will be committed (setting one more
        savepoint checks that too, and is done where there is no ``seal``). All three raise
        `DatabaseError` when the transaction is not the one that began, ``rollback_to()`` in any case.

        Afterwards the transaction holds exactly the writes of the processed messages that were not
        rejected. Raises `DatabaseError` when it does not, and `TransactionLost` when that was found
        out after calling the handler: nothing of the transaction may be committed.
        """


class TransactionalPerMessage:
    """Call ``handler(conn, msg)`` for each message, in order, each behind a savepoint of its own.

    A Retry undoes that message's writes and stops; a Reject undoes them, dead-letters it and goes on.
    Stops before a message once ``cancelled()``. Any number of threads may use one adapter at once.
    """

    def __init__(self, handler: TransactionalMessageHandler) -> None:
        self.handler = handler

    def run(
        self,
        conn: object,
        messages: Sequence[OutboxMessage],
        savepoint: Callable[[], None],
        rollback_to: Callable[[], None],
        cancelled: Callable[[], bool],
        *,
        seal: Callable[[], None] | None = None,
    ) -> Outcome:
        """Handle the messages one by one; see `TransactionalHandler.run`."""
        rejected: list[tuple[int, str]] = []
        turn = _Savepoints(conn, rollback_to)
        last = len(messages) - 1
        savepoint()
        for position, message in enumerate(messages):
            if cancelled():
                return Outcome(position, tuple(rejected))
            confirm = seal if position == last and seal else savepoint
            verdict = turn.call(self.handler, message, message, confirm)
            if isinstance(verdict, Reject):
                rejected.append((position, verdict.reason))
            elif verdict is not None:
                return Outcome(position, tuple(rejected), failure_of(verdict, named=True))
        return Outcome(len(messages), tuple(rejected))


class TransactionalBatch:
    """Call ``handler(conn, msgs)`` once, behind a savepoint: its writes stay or go as a whole.

    A Reject dead-letters all of the messages. A Retry names the culprit only if there is just one.
    Any number of threads may use one adapter at once.
    """

    def __init__(self, handler: TransactionalBatchHandler) -> None:
        self.handler = handler

    def run(
        self,
        conn: object,
        messages: Sequence[OutboxMessage],
        savepoint: Callable[[], None],
        rollback_to: Callable[[], None],
        cancelled: Callable[[], bool],
        *,
        seal: Callable[[], None] | None = None,
    ) -> Outcome:
        """Handle the messages at once; see `TransactionalHandler.run`."""
        if cancelled():
            return Outcome(0)
        savepoint()
        verdict = _Savepoints(conn, rollback_to).call(self.handler, messages, messages[0], seal or savepoint)
        if isinstance(verdict, Reject):
            return Outcome(len(messages), tuple((n, verdict.reason) for n in range(len(messages))))
        if verdict is not None:
            return Outcome(0, failure=failure_of(verdict, named=len(messages) == 1))
        return Outcome(len(messages))


@dataclass(frozen=True, slots=True)
class _Savepoints:
    """One transaction, in which handlers are called behind savepoints."""

    conn: object
    rollback_to: Callable[[], None]

    def call(
        self,
        handler: Callable[[Any, Any], HandlerResult],
        subject: object,
        first: OutboxMessage,
        confirm: Callable[[], None],
    ) -> Retry | Reject | None:
        """Call a handler behind the current savepoint; keep its writes on success, else undo them.

        Success is believed only when ``confirm()`` passes. It does not when the handler swallowed an
        error that aborted the transaction (PostgreSQL) or rolled all of it back (MySQL, after a
        deadlock). The first is undone like any failure. The second makes ``rollback_to`` fail, and it
        must: the writes of the messages before are gone as well.
        """
        verdict = call_handler(handler, self.conn, subject, first=first)
        if verdict is None:
            verdict = _refuted(confirm)
        if verdict is not None:
            self._undo(verdict)
        return verdict

    def _undo(self, verdict: Retry | Reject) -> None:
        try:
            self.rollback_to()
        except DatabaseError as error:
            retry = verdict if isinstance(verdict, Retry) else Retry(verdict.reason)
            raise TransactionLost(retry) from error


def _refuted(confirm: Callable[[], None]) -> Retry | None:
    try:
        confirm()
    except DatabaseError as error:
        return Retry(describe(error))
    return None
