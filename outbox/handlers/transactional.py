"""Handlers that write in the transaction which moves the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from outbox.errors import DatabaseError
from outbox.handlers.around import Wrapper, batch_in_transaction, in_transaction, surround
from outbox.handlers.call import DONE, Tally, call_handler
from outbox.handlers.outcome import Answer, Done, Failed, Outcome, Rejected
from outbox.values.message import OutboxMessage
from outbox.values.reasons import describe
from outbox.values.results import HandlerResult

TransactionalMessageHandler = Callable[[Any, OutboxMessage], HandlerResult]
TransactionalBatchHandler = Callable[[Any, Sequence[OutboxMessage]], HandlerResult]


class TransactionLost(DatabaseError):
    """The transaction ended under the handler, and the writes of all its messages are gone.

    ``failure`` is what the handler's call came to; the database's error is the ``__cause__``. Which
    message it concerns is not known.
    """

    def __init__(self, failure: Failed) -> None:
        super().__init__(failure.reason)
        self.failure = failure


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

    def surrounded(self, wrappers: Sequence[Wrapper]) -> TransactionalPerMessage:
        """Return a handler whose calls run inside the wrappers."""
        return TransactionalPerMessage(surround(self.handler, wrappers, in_transaction))

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
        tally = Tally()
        turn = _Savepoints(conn, rollback_to)
        last = messages[-1]
        savepoint()
        for message in messages:
            if cancelled():
                break
            confirm = seal if message is last and seal else savepoint
            if not tally.add(turn.call(self.handler, message, confirm)):
                break
        return tally.outcome()


class TransactionalBatch:
    """Call ``handler(conn, msgs)`` once, behind a savepoint: its writes stay or go as a whole.

    A Reject dead-letters all of the messages. A failure is attributed only if there is just one.
    Any number of threads may use one adapter at once.
    """

    def __init__(self, handler: TransactionalBatchHandler) -> None:
        self.handler = handler

    def surrounded(self, wrappers: Sequence[Wrapper]) -> TransactionalBatch:
        """Return a handler whose call runs inside the wrappers."""
        return TransactionalBatch(surround(self.handler, wrappers, batch_in_transaction))

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
        answer = _Savepoints(conn, rollback_to).call(self.handler, messages, seal or savepoint)
        tally = Tally()
        tally.add(answer, len(messages), attributed=len(messages) == 1)
        return tally.outcome()


@dataclass(frozen=True, slots=True)
class _Savepoints:
    """One transaction, in which handlers are called behind savepoints."""

    conn: object
    rollback_to: Callable[[], None]

    def call(
        self,
        handler: Callable[[Any, Any], HandlerResult],
        subject: object,
        confirm: Callable[[], None],
    ) -> Answer:
        """Call a handler behind the current savepoint; keep its writes on success, else undo them.

        Success is believed only when ``confirm()`` passes. It does not when the handler swallowed an
        error that aborted the transaction (PostgreSQL) or rolled all of it back (MySQL, after a
        deadlock). The first is undone like any failure. The second makes ``rollback_to`` fail, and it
        must: the writes of the messages before are gone as well.
        """
        answer = call_handler(handler, self.conn, subject)
        if isinstance(answer, Done):
            answer = _confirmed(confirm)
        if not isinstance(answer, Done):
            self._undo(answer)
        return answer

    def _undo(self, answer: Failed | Rejected) -> None:
        try:
            self.rollback_to()
        except DatabaseError as error:
            raise TransactionLost(answer if isinstance(answer, Failed) else Failed(answer.reason)) from error


def _confirmed(confirm: Callable[[], None]) -> Answer:
    try:
        confirm()
    except DatabaseError as error:
        return Failed(describe(error))
    return DONE
