"""A consumer whose failures ask for no delay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from outbox.handlers.outcome import Outcome
from outbox.handlers.transactional import TransactionalHandler
from outbox.values.message import OutboxMessage
from outbox.workers.consumer import Consumer

# Not zero: the queues' clock stands still, and what is due in an instant is never due.
INSTANT = 1e-9


def without_backoff(consumer: Consumer) -> Consumer:
    """Return a consumer that delivers as the given one does and never backs off."""
    leased, transactional = consumer.leased, consumer.transactional
    return Consumer(
        consumer.queue,
        consumer.partition_ids,
        consumer.tuning,
        lease=consumer.lease,
        max_attempts=consumer.max_attempts,
        leased=None if leased is None else lambda batch: _instant(leased(batch)),
        transactional=None if transactional is None else _Impatient(transactional),
        per_message=consumer.per_message,
    )


class _Impatient:
    def __init__(self, handler: TransactionalHandler) -> None:
        self._handler = handler

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
        """Run the handler; its failure asks for no delay."""
        return _instant(self._handler.run(conn, messages, savepoint, rollback_to, cancelled, seal=seal))


def _instant(outcome: Outcome) -> Outcome:
    if outcome.failure is None:
        return outcome
    return replace(outcome, failure=replace(outcome.failure, delay=INSTANT))
