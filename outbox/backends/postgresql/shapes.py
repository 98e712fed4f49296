"""The tables as they are, and as the migrations make them on temporary tables of PostgreSQL."""

from __future__ import annotations

from typing import NoReturn

from outbox.backends.protocol import Backend
from outbox.backends.records import TABLES, Commands, Shape, shape_of
from outbox.connections.adapt import adapt
from outbox.connections.connection import ProducerConnection
from outbox.statements import Naming


class Scratch(Exception):
    """Carries a shape out of a transaction that is rolled back."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape


def undo(shape: Shape) -> NoReturn:
    """End a transaction, so that nothing of it stays."""
    raise Scratch(shape)


class Shapes:
    """See `outbox.backends.protocol.Shapes`."""

    def table_shapes(self: Backend, commands: Commands) -> tuple[Shape, Shape]:
        # Look first: from their creation on, the temporary tables hide the others. All is rolled back.
        naming, temporary = self.naming, Naming(self.naming.prefix, "pg_temp")
        statement = self.catalog["table_shapes"]

        def look(adapted: ProducerConnection, names: Naming) -> Shape:
            rows = adapted.query(statement, {"tables": [names.table(name) for name in TABLES]})
            return shape_of(rows, naming.prefix)

        found: Shape = {}
        try:
            with self.connection() as conn:
                adapted = adapt(conn)
                found = look(adapted, naming)
                for command in commands(temporary):
                    adapted.query(command, {})
                undo(look(adapted, temporary))
        except Scratch as scratch:
            return found, scratch.shape
