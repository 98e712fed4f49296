"""What differs between two drivers of the DB-API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from outbox.statements import Statement


def as_they_are(_: object, parameters: Mapping[str, object]) -> Mapping[str, object]:
    """Return parameters unchanged."""
    return parameters


@dataclass(frozen=True)
class Driver:
    """How one driver is asked for a cursor, about its transaction, and with which placeholders.

    ``open_cursor(connection)`` returns a cursor whose rows are tuples, whatever the caller has set on
    the connection. ``in_transaction(connection)`` is `ProducerConnection.in_transaction`. ``named``
    drivers write ``:name`` and ``?``, the others ``%(name)s`` and ``%s``, or ``%(name)b`` if they are
    ``binary``: where psycopg may choose, it writes arrays as text, bytes in hexadecimal digits.
    ``storable(connection, parameters)`` makes the texts of errors such as the database can store.
    """

    kind: str
    backend: str
    open_cursor: Callable[[Any], Any]
    in_transaction: Callable[[Any], bool]
    named: bool = False
    binary: bool = False
    storable: Callable[[Any, Mapping[str, object]], Mapping[str, object]] = as_they_are

    def text(self, statement: Statement) -> str:
        """Return a statement's text with this driver's placeholders."""
        if self.binary:
            return statement.pyformat_binary
        return statement.named if self.named else statement.pyformat

    def rows_text(self, statement: Statement, rows: int) -> str:
        """Return the text of a ``:values`` statement for a number of rows."""
        return statement.repeated(rows, "?" if self.named else "%s")
