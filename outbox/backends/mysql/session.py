"""Named statements on one connection."""

from __future__ import annotations

from typing import Any

from outbox.backends.mysql.errors import translated
from outbox.statements import Catalog


class Session:
    """A connection for as long as it is lent; one thread at a time."""

    __slots__ = ("_catalog", "connection", "lent")

    def __init__(self, catalog: Catalog, connection: Any, lent: Any) -> None:
        self._catalog = catalog
        self.connection = connection
        """The driver's connection."""
        self.lent = lent
        """What a handler gets: the same, or SQLAlchemy's connection around it."""

    def rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query and return its rows as plain tuples, whatever the connection's settings."""
        with translated():
            cursor = self._execute(self._catalog[statement].pyformat, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            cursor.close()
        return rows

    def change(self, statement: str, **parameters: Any) -> int:
        """Run a statement that changes rows; return how many."""
        with translated():
            cursor = self._execute(self._catalog[statement].pyformat, parameters)
            affected: int = cursor.rowcount
            cursor.close()
        return affected

    def command(self, statement: str) -> None:
        """Run a statement without parameters or result, which may hold several commands."""
        self.script(self._catalog[statement].compact)

    def script(self, sql: str) -> None:
        """Run commands separated by semicolons, in one round trip; raise at the first that fails."""
        with translated():
            cursor = self._execute(sql, {})
            while cursor.nextset():
                pass
            cursor.close()

    def commit(self) -> None:
        """End the transaction, if one is open."""
        with translated():
            self.connection.commit()

    def _execute(self, sql: str, parameters: dict[str, Any]) -> Any:
        cursor = self.connection.cursor(buffered=False, raw=False, dictionary=False)
        cursor.execute(sql, parameters)
        return cursor
