"""A transactional turn on Django's connection, in which handlers use the ORM."""

from __future__ import annotations

from typing import Any

from outbox.backends.protocol import TransactionalTurn
from outbox.backends.records import Settlement
from outbox.contrib.django.lending import check_sound


class DjangoTurn:
    """Keeps what Django knows of the transaction in step with the turn's savepoints.

    An inner ``atomic(savepoint=False)`` that fails marks the whole transaction for a rollback, and Django
    would then roll back at its end without an error. And ``on_commit`` callbacks of a message whose writes
    are undone must not run.
    """

    def __init__(self, turn: TransactionalTurn, wrapper: Any) -> None:
        self.delivery = turn.delivery
        self.connection = wrapper
        self._turn = turn
        self._wrapper = wrapper
        self._callbacks = len(wrapper.run_on_commit)

    def savepoint(self) -> None:
        """See `TransactionalTurn.savepoint`."""
        check_sound(self._wrapper)
        self._turn.savepoint()
        self._callbacks = len(self._wrapper.run_on_commit)

    def seal(self) -> None:
        """See `TransactionalTurn.seal`."""
        check_sound(self._wrapper)
        self._turn.seal()

    def rollback(self) -> None:
        """See `TransactionalTurn.rollback`."""
        self._turn.rollback()
        self._wrapper.needs_rollback = False
        del self._wrapper.run_on_commit[self._callbacks :]

    def settle(self, settlement: Settlement) -> None:
        """See `TransactionalTurn.settle`."""
        check_sound(self._wrapper)
        self._turn.settle(settlement)
