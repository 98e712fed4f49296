"""Named statements on one connection."""

from __future__ import annotations

from typing import Any

from outbox.backends.mysql.errors import translated
from outbox.statements import Catalog, Rows
from outbox.unwrapping import innermost

MULTI_STATEMENTS = 1 << 16  # a client flag, which the driver sets by default


class Session:
    """A connection for as long as it is lent; one thread at a time."""

    __slots__ = ("_catalog", "_cursor", "connection", "lent")

    def __init__(self, catalog: Catalog, connection: Any, lent: Any) -> None:
        self._catalog = catalog
        self.connection = plain(connection)
        self._cursor = open_cursor(self.connection)
        """The driver's connection."""
        self.lent = lent
        """What a handler gets: the same, or SQLAlchemy's connection around it."""

    def rows(self, statement: str, **parameters: Any) -> Rows:
        """Run a query and return its rows, whatever the connection's settings."""
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

    def commit(self) -> None:
        """End the transaction, if one is open."""
        with translated():
            self.connection.commit()


def plain(connection: Any) -> Any:
    """Return the driver's own connection for one that a tracing agent may have wrapped."""
    from mysql.connector.abstracts import MySQLConnectionAbstract

    kind: type[Any] = MySQLConnectionAbstract
    return innermost(connection, kind)


def open_cursor(connection: Any) -> Any:
    """Return a cursor with plain rows, whatever those of the connection are by default.

    Not ``connection.cursor()``: that pings the server first, a round trip more for every cursor.
    """
    from mysql.connector.connection import MySQLConnection

    if isinstance(connection, MySQLConnection):
        from mysql.connector.cursor import MySQLCursor

        return MySQLCursor(connection)
    from mysql.connector.cursor_cext import CMySQLCursor

    return CMySQLCursor(connection)
