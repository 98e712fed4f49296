"""SQLAlchemy's Connection; a Session lends the one of its transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from outbox.connections.after_commit import after_commit
from outbox.connections.connection import ProducerConnection
from outbox.connections.driver import DriverConnection
from outbox.statements import Rows, Statement
from outbox.statements.rows import NO_ROWS

# A caller who streams results would have our statements run in server-side cursors.
NOT_STREAMED = {"stream_results": False, "yield_per": None}


class SqlalchemyConnection(ProducerConnection):
    """Write through ``exec_driver_sql``, so that SQLAlchemy knows of the transaction and its events fire.

    ``underneath`` is the driver's connection that it has now.
    """

    __slots__ = ("connection", "driver", "raw")

    def __init__(self, connection: Any, underneath: DriverConnection) -> None:
        super().__init__(underneath.backend, "SQLAlchemy")
        self.connection = connection
        self.driver = underneath.driver
        self.raw = underneath.raw

    def in_transaction(self) -> bool:
        """Ask the driver: AUTOCOMMIT may be set in many places, and it knows the outcome."""
        if self._driver_in_transaction():
            return True
        if self.connection.in_transaction():
            return False
        # A listener may send BEGIN when SQLAlchemy begins, as its recipe for savepoints on SQLite
        # does. Beginning is what SQLAlchemy does by itself before any first statement.
        transaction = self.connection.begin()
        if self._driver_in_transaction():
            return True
        transaction.rollback()
        return False

    def query(self, statement: Statement, parameters: Mapping[str, object]) -> Rows:
        """Run a statement and return its rows."""
        return rows_of(statement, self._run(self.driver.text(statement), dict(parameters)))

    def insert_rows(self, statement: Statement, rows: Sequence[Sequence[object]]) -> int:
        """Insert all rows with one statement."""
        text = self.driver.rows_text(statement, len(rows))
        return int(self._run(text, tuple(chain.from_iterable(rows))).lastrowid)

    def driver_connection(self) -> Any:
        """Return the connection underneath."""
        return self.raw

    def on_commit(self, callback: Callable[[], object]) -> bool:
        """Call back after the COMMIT of the outermost transaction."""
        return after_commit(self.connection, callback)

    def _run(self, text: str, parameters: object) -> Any:
        return self.connection.exec_driver_sql(text, parameters, execution_options=NOT_STREAMED)

    def _driver_in_transaction(self) -> bool:
        return self.driver.in_transaction(self.raw)


def rows_of(statement: Statement, result: Any) -> Rows:
    """Return the rows of SQLAlchemy's result, if the statement returns any."""
    if not statement.returns_rows:
        return NO_ROWS
    return Rows(tuple(result.keys()), list(map(tuple, result)))
