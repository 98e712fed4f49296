"""A connection as a driver made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import chain
from typing import Any

from outbox.connections.connection import KINDS_WITH_ROWS, ProducerConnection
from outbox.connections.driver import Driver
from outbox.statements import Statement


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

    def execute(self, statement: Statement, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        with closing(self.driver.open_cursor(self.raw)) as cursor:
            cursor.execute(self.driver.text(statement), self.driver.storable(self.raw, parameters))
            return cursor.fetchall() if statement.kind in KINDS_WITH_ROWS else []

    def insert_rows(self, statement: Statement, rows: Sequence[Sequence[object]]) -> int:
        """Insert all rows with one statement."""
        with closing(self.driver.open_cursor(self.raw)) as cursor:
            cursor.execute(self.driver.rows_text(statement, len(rows)), tuple(chain.from_iterable(rows)))
            return int(cursor.lastrowid)

    def driver_connection(self) -> Any:
        """Return the connection that was given."""
        return self.raw
