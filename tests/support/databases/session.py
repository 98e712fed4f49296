"""A connection to look into a database with."""

from __future__ import annotations

from typing import Any


class Session:
    """Run SQL with ``?`` parameters on one raw autocommit connection, whatever its driver writes for them."""

    def __init__(self, connection: Any, placeholder: str) -> None:
        self._connection = connection
        self._placeholder = placeholder

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return [tuple(row) for row in self._cursor(sql, parameters).fetchall()]

    def execute(self, sql: str, *parameters: Any) -> int:
        """Run a statement and return the number of rows it changed."""
        return int(self._cursor(sql, parameters).rowcount)

    def close(self) -> None:
        self._connection.close()

    def _cursor(self, sql: str, parameters: tuple[Any, ...]) -> Any:
        cursor = self._connection.cursor()
        if not parameters:
            cursor.execute(sql)
        elif self._placeholder == "?":
            cursor.execute(sql, parameters)
        else:
            cursor.execute(sql.replace("%", "%%").replace("?", self._placeholder), parameters)
        return cursor
