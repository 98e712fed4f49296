"""Run named statements on MySQL and MariaDB."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from outbox.backends.mysql.errors import translated
from outbox.backends.waiting import Waiting
from outbox.connections.mysql_connector import open_cursor
from outbox.statements import Catalog, Rows
from outbox.unwrapping import innermost

MULTI_STATEMENTS = 1 << 16  # a client flag, which the driver sets by default


class Session:
    """A connection in hand and the statements to run on it; one thread at a time."""

    __slots__ = ("_catalog", "_cursor", "connection", "handler_connection", "spoiled")

    def __init__(self, catalog: Catalog, connection: Any, for_handler: Any) -> None:
        self._catalog = catalog
        self.connection = plain(connection)
        """The driver's connection."""
        self._cursor = open_cursor(self.connection)
        self.handler_connection = for_handler
        """What a handler gets: the same, or SQLAlchemy's connection around it."""
        self.spoiled = False
        """Whether code of a user's had it, which may have changed its settings for the next one."""

    def query(self, statement: str, **parameters: Any) -> Rows:
        """Run a statement and return its rows, whatever the connection's settings."""
        known = self._catalog[statement]
        with translated():
            self._cursor.execute(known.pyformat, parameters)
            return known.fetch(self._cursor)

    def change(self, statement: str, **parameters: Any) -> int:
        """Run a statement that changes rows; return how many."""
        with translated():
            self._cursor.execute(self._catalog[statement].pyformat, parameters)
            affected: int = self._cursor.rowcount
        return affected

    def command(self, statement: str) -> None:
        """Run a statement without parameters or result, which may hold several commands."""
        self.script(self._catalog[statement].compact)

    def script(self, sql: str) -> None:
        """Run commands separated by semicolons (with none inside); raise at the first that fails.

        One round trip, except on an Engine whose connections refuse several commands at once.
        """
        together = self.connection.isset_client_flag(MULTI_STATEMENTS)
        with translated():
            for command in [sql] if together else sql.split(";"):
                self._cursor.execute(command)
                while self._cursor.nextset():
                    pass

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, as the driver knows by the server's last answer."""
        return bool(self.connection.in_transaction)

    def commit(self) -> None:
        """End the transaction, if one is open."""
        with translated():
            self.connection.commit()


class Source(Protocol):
    """Gives sessions out for the length of an operation; safe from any thread.

    Both raise the library's errors for connections that are not available, and for a COMMIT that
    fails; an exception of the block itself passes unchanged.
    """

    waiting: Waiting
    catalog: Catalog

    def reading(self) -> AbstractContextManager[Session]:
        """Acquire a session whose statements each stand for themselves."""

    def writing(self) -> AbstractContextManager[Session]:
        """Acquire a session with an open READ COMMITTED transaction.

        Commits at a clean exit, else rolls back.
        """

    def dedicated(self) -> Source:
        """Return a source of one connection of its own, closed by its `close`; opens nothing yet."""

    def close(self) -> None:
        """Close what is ours."""


def plain(connection: Any) -> Any:
    """Return the driver's own connection for one that a tracing agent may have wrapped."""
    from mysql.connector.abstracts import MySQLConnectionAbstract

    kind: type[Any] = MySQLConnectionAbstract
    return innermost(connection, kind)


class Operations:
    """What the operations on one database have in common: where their statements run."""

    def __init__(self, source: Source, catalog: Catalog) -> None:
        self._source = source
        self.waiting = source.waiting
        self.catalog = catalog

    def use(self, catalog: Catalog) -> None:
        self._source.catalog = self.catalog = catalog
