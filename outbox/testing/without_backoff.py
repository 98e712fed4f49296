"""A consumer whose failures ask for no delay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from outbox.handlers.outcome import Outcome
from outbox.handlers.transactional import TransactionalHandler
from outbox.workers.consumer import Consumer

# Not zero: the queues' clock stands still, and what is due in an instant is never due.
INSTANT = 1e-9


def without_backoff(consumer: Consumer) -> Consumer:
    """Return a consumer that delivers as the given one does and never backs off."""
    leased, transactional = consumer.leased, consumer.transactional
    return replace(
        consumer,
        leased=None if leased is None else lambda batch: _instant(leased(batch)),
        transactional=None if transactional is None else _Impatient(transactional),
    )


class _Impatient:
    def __init__(self, handler: TransactionalHandler) -> None:
        self._handler = handler

    def run(self, *turn: Any, **more: Any) -> Outcome:
        """Run the handler, with whatever it takes; its failure asks for no delay."""
        return _instant(self._handler.run(*turn, **more))


def _instant(outcome: Outcome) -> Outcome:
    if outcome.failure is None:
        return outcome
    return replace(outcome, failure=replace(outcome.failure, delay=INSTANT))
