"""Where connections come from."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from outbox.backends.mysql.session import Session
from outbox.backends.waiting import Waiting


class Source(Protocol):
    """Lends sessions for the length of an operation; safe from any thread.

    Both raise the library's errors for connections that cannot be had, and for a COMMIT that
    fails; an exception of the block itself passes unchanged.
    """

    waiting: Waiting

    def reading(self) -> AbstractContextManager[Session]:
        """Lend a session whose statements stand each for itself."""

    def writing(self) -> AbstractContextManager[Session]:
        """Lend a session with an open READ COMMITTED transaction.

        Commits at a clean exit, else rolls back.
        """

    def apart(self) -> Source:
        """Return a source of one connection of its own, closed by its `close`; opens nothing yet."""

    def close(self) -> None:
        """Close what is ours."""
