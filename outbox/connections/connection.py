"""What enqueue needs of a caller's connection, whichever library made it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from outbox.connections.after_commit import after_turn
from outbox.statements import Row, Rows, Statement


class ProducerConnection(ABC):
    """A caller's connection, in the middle of the caller's transaction.

    It runs statements and nothing else. It never begins, commits, rolls back, retries or closes; it
    leaves row factories and settings as they are; the driver's errors pass through it unchanged. Use
    it on the thread that uses the connection, and only until the caller goes on.

    ``backend`` is ``postgresql``, ``mysql`` or ``sqlite``; ``kind`` names the library for error texts.
    """

    __slots__ = ("backend", "kind")

    def __init__(self, backend: str, kind: str) -> None:
        self.backend = backend
        self.kind = kind

    @abstractmethod
    def in_transaction(self) -> bool:
        """Tell whether a statement sent now belongs to a transaction that the caller commits.

        True inside a transaction, and when the driver would open one before the statement. Costs no
        round trip but with mysql.connector's pure Python connections.
        """

    @abstractmethod
    def query(self, statement: Statement, parameters: Mapping[str, object]) -> Rows:
        """Run a statement and return its rows, none for one that returns none."""

    def execute(self, statement: Statement, parameters: Mapping[str, object]) -> list[Row]:
        """Run a statement and return its rows without the names of their columns."""
        return list(self.query(statement, parameters))

    @abstractmethod
    def insert_rows(self, statement: Statement, rows: Sequence[Sequence[object]]) -> int:
        """Run a ``:values`` statement for all rows at once and return the id the driver reports.

        That is the id of the first row on MySQL and MariaDB and of the last one on SQLite; PostgreSQL's
        drivers report none.
        """

    @abstractmethod
    def driver_connection(self) -> Any:
        """Return the driver's own connection, to be asked what takes no statement."""

    def on_commit(self, callback: Callable[[], object]) -> bool:
        """Arrange for one call of ``callback`` after the commit of the open transaction.

        Call it after the write. Registering the same callback twice in a transaction is no error. A
        rollback forgets it. What the callback raises is logged, never raised: the commit is done.
        Returns False if the time of its commit cannot be told: a driver's connection by itself does not, but
        a transactional turn knows when it has.
        """
        return after_turn(callback)
