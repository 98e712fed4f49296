"""Where connections come from: a pool of our own, or the user's Engine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from sqlalchemy import exc

from outbox.backends.sqlite.errors import CONSTRAINT, primary_code
from outbox.backends.waiting import Waiting
from outbox.errors import ConnectionLost, DatabaseError


class Source(Protocol):
    """Lends connections on which no transaction is open and none is begun by itself."""

    waiting: Waiting
    patience: float
    """Seconds that a writer waits for the write lock."""
    shared: bool
    """Whether several connections are to be expected."""

    def borrow(self) -> AbstractContextManager[sqlite3.Connection]:
        """Lend a connection; a transaction that is left open is rolled back."""

    def lend(self, begin: str) -> AbstractContextManager[tuple[sqlite3.Connection, Any]]:
        """Lend a connection in a transaction begun with ``begin``, and as its user gets to see it.

        Commits at a clean exit, else rolls back. Errors raised in the block pass as they are; raises
        `DatabaseError` when the transaction was ended there, `ConnectionLost` when the commit failed.
        """

    def apart(self) -> Source:
        """Return a source of one connection of its own, closed by its `close`; opens nothing yet."""

    def close(self) -> None:
        """Close what is ours."""


def check_open(conn: sqlite3.Connection) -> None:
    """Raise `DatabaseError` when a handler has ended the transaction that it was given."""
    try:
        is_open = conn.in_transaction
    except sqlite3.Error:  # it closed the connection
        is_open = False
    if not is_open:
        raise ended()


def ended() -> DatabaseError:
    """Make the error for a transaction that was ended by the code that it was lent to."""
    return DatabaseError(
        "SQLite: the transaction that was lent to a handler was ended there; "
        "leave commit and rollback to the outbox, or use a leased handler"
    )


def left_clean(conn: sqlite3.Connection) -> bool:
    """Roll back what is still open; False when the connection is of no more use."""
    try:
        if conn.in_transaction:
            conn.rollback()
    except sqlite3.Error:
        return False
    return True


@contextmanager
def committing() -> Iterator[None]:
    """Raise `ConnectionLost` when a commit fails, unless it was a deferred constraint that failed."""
    try:
        yield
    except (sqlite3.Error, exc.DBAPIError) as error:
        cause = error.orig if isinstance(error, exc.DBAPIError) else error
        violated = isinstance(cause, sqlite3.Error) and primary_code(cause) == CONSTRAINT
        kind = DatabaseError if violated else ConnectionLost
        raise kind(f"SQLite: the commit failed: {cause}") from error
