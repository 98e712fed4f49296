"""The tables as they are, and as the migrations make them in a SQLite database in memory."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from outbox.backends.protocol import Backend
from outbox.backends.records import TABLES, Commands, Shape, shape_of


class Shapes:
    """See `outbox.backends.protocol.Shapes`."""

    def table_shapes(self: Backend, commands: Commands) -> tuple[Shape, Shape]:
        # Make the tables in memory.
        names = json.dumps([self.naming.table(name) for name in TABLES])
        found = self.query("table_shapes", tables=names)
        with closing(sqlite3.connect(":memory:")) as memory:
            for command in commands(self.naming):
                memory.execute(command.sql)
            wanted = memory.execute(self.catalog["table_shapes"].named, {"tables": names}).fetchall()
        return shape_of(found, self.naming.prefix), shape_of(wanted, self.naming.prefix)
