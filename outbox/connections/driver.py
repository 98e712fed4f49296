"""What differs between two drivers of the DB-API, and a connection as its driver made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import Any

from outbox.connections.connection import ProducerConnection
from outbox.statements import Rows, Statement


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


class DriverConnection(ProducerConnection):
    """Write through a cursor of our own, closed after each statement."""

    __slots__ = ("driver", "raw")

    def __init__(self, driver: Driver, raw: Any) -> None:
        super().__init__(driver.backend, driver.kind)
        self.driver = driver
        self.raw = raw

    def in_transaction(self) -> bool:
        """Ask the driver."""
        return self.driver.in_transaction(self.raw)

    def query(self, statement: Statement, parameters: Mapping[str, object]) -> Rows:
        """Run a statement and return its rows."""
        with closing(self.driver.open_cursor(self.raw)) as cursor:
            cursor.execute(self.driver.text(statement), self.driver.storable(self.raw, parameters))
            return statement.fetch(cursor)

    def insert_rows(self, statement: Statement, rows: Sequence[Sequence[object]]) -> int:
        """Insert all rows with one statement."""
        with closing(self.driver.open_cursor(self.raw)) as cursor:
            cursor.execute(self.driver.rows_text(statement, len(rows)), tuple(chain.from_iterable(rows)))
            return int(cursor.lastrowid)

    def driver_connection(self) -> Any:
        """Return the connection that was given."""
        return self.raw
