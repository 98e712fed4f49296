"""Django's database connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from outbox.connections.after_commit import quietly
from outbox.connections.connection import ProducerConnection
from outbox.statements import Rows, Statement


class DjangoConnection(ProducerConnection):
    """Write through Django's cursor, so that its query log, wrappers and error handling take part.

    ``wrapper`` is ``django.db.connection``, or one of ``django.db.connections``. Django takes
    ``%s`` and ``%(name)s`` for every database.
    """

    __slots__ = ("wrapper",)

    def __init__(self, wrapper: Any) -> None:
        super().__init__(wrapper.vendor, "Django")
        self.wrapper = wrapper

    def in_transaction(self) -> bool:
        """Tell whether an ``atomic`` block is open or autocommit is off."""
        return bool(self.wrapper.in_atomic_block or not self.wrapper.get_autocommit())

    def query(self, statement: Statement, parameters: Mapping[str, object]) -> Rows:
        """Run a statement and return its rows."""
        with self.wrapper.cursor() as cursor:
            cursor.execute(statement.pyformat, parameters)
            return statement.fetch(cursor)

    def insert_rows(self, statement: Statement, rows: Sequence[Sequence[object]]) -> int:
        """Insert all rows with one statement."""
        with self.wrapper.cursor() as cursor:
            cursor.execute(statement.repeated(len(rows), "%s"), tuple(chain.from_iterable(rows)))
            return int(cursor.lastrowid)

    def driver_connection(self) -> Any:
        """Return the connection that Django holds; it connects if it has none."""
        self.wrapper.ensure_connection()
        return self.wrapper.connection

    def on_commit(self, callback: Callable[[], object]) -> bool:
        """Hand the callback to ``transaction.on_commit``, which wants an ``atomic`` block or autocommit."""
        if not self.wrapper.in_atomic_block and not self.wrapper.get_autocommit():
            return False
        # What another callback raises is none of this one's business, nor the other way round.
        self.wrapper.on_commit(partial(quietly, callback), robust=True)
        return True
