"""What became of a transaction in the hands of the user's code: the connection knows, at no round trip.

At the end it does not tell one transaction from another that the code began after a COMMIT of its own, so
what it executes is watched.
"""

from __future__ import annotations

import functools
from typing import Any
from weakref import WeakSet

import psycopg
from psycopg.pq import TransactionStatus

from outbox.backends.engines import watch
from outbox.backends.postgresql.sources import PgConnection
from outbox.errors import ConnectionLost, DatabaseError
from outbox.unwrapping import innermost

LOST = "PostgreSQL: the connection was closed or lost in the transaction, of which nothing was committed"
ENDED = (
    "the transaction was ended by the code that was given it; "
    "leave commit and rollback to the outbox, or use a leased handler or a connection of your own"
)
SWALLOWED = (
    "a statement in the transaction failed, and the code went on as if it had not, so nothing of it can be "
    "committed; let the error through, or put what may fail behind a savepoint"
)


_ended: WeakSet[PgConnection] = WeakSet()
"""Connections whose code has ended the transaction that it was given."""


@functools.cache
def noticing(factory: Any) -> Any:
    """Return a class of cursors like another, which notice that a statement has ended the transaction."""

    class Noticing(factory):  # type: ignore[misc]
        notices = True

        def execute(self, *args: Any, **options: Any) -> Any:
            try:
                return super().execute(*args, **options)
            finally:
                if self.connection.info.transaction_status == TransactionStatus.IDLE:
                    _ended.add(self.connection)

    Noticing.__name__ = Noticing.__qualname__ = getattr(factory, "__name__", "Cursor")
    return Noticing


class UserTransaction:
    """A transaction in the hands of a handler, or of a ``with outbox.transaction()`` block."""

    def __init__(self, connection: PgConnection, given: Any) -> None:
        """``given`` is what the user got: the driver's connection, or SQLAlchemy's around it."""
        # A tracing agent may have wrapped it.
        self._connection: PgConnection = innermost(connection, psycopg.Connection)
        self._is_the_same = watch(given)
        # SQLAlchemy's begins with its first statement.
        self._begun = given is connection
        _ended.discard(self._connection)
        factory: Any = self._connection.cursor_factory
        if isinstance(factory, type) and not getattr(factory, "notices", False):
            self._connection.cursor_factory = noticing(factory)

    def check_open(self) -> None:
        """Raise `DatabaseError` when it was ended, `ConnectionLost` when the connection is gone."""
        if not self._is_the_same():
            raise DatabaseError(ENDED)
        status = self._connection.info.transaction_status
        if status == TransactionStatus.UNKNOWN:
            raise ConnectionLost(LOST)
        if self._connection in _ended or (self._begun and status == TransactionStatus.IDLE):
            raise DatabaseError(ENDED)

    def check_sound(self) -> None:
        """Raise also when the server would answer a COMMIT with a rollback, without an error."""
        self.check_open()
        if self._connection.info.transaction_status == TransactionStatus.INERROR:
            raise DatabaseError(SWALLOWED)
