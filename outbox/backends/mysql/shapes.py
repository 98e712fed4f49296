"""The tables as they are, and as the migrations make them on temporary tables of MySQL or MariaDB."""

from __future__ import annotations

import re

from outbox.backends.mysql.errors import NO_SUCH_TABLE, number_of
from outbox.backends.protocol import Backend
from outbox.backends.records import TABLES, Commands, Shape
from outbox.connections.adapt import adapt
from outbox.connections.connection import ProducerConnection
from outbox.statements import Statement

PERMANENT = re.compile(r"\bTABLE IF NOT EXISTS\b")
# Which columns are there already is asked of the tables that stay; the temporary ones have none of them.
COLUMNS = re.compile(r"\binformation_schema\.columns\b")
NO_COLUMNS = "(SELECT '' AS table_schema, '' AS table_name, '' AS column_name) AS nothing"
NAMED = re.compile(r"`(?P<name>[^`]+)` (?P<definition>.+)")
CONSTRAINT = re.compile(r"CONSTRAINT `[^`]+` (?P<definition>.+)")
# MySQL writes a check's texts in another character set when it rebuilds the table.
INTRODUCER = re.compile(r"\b_[a-z0-9]+\\?'")
INDEX_NAME = re.compile(r"\bKEY `[^`]+` ")


class Shapes:
    """See `outbox.backends.protocol.Shapes`."""

    def table_shapes(self: Backend, commands: Commands) -> tuple[Shape, Shape]:
        # Look first, and close the backend afterwards: the temporary tables hide the others.
        show = self.catalog["table_definition"]
        body = self.naming.table("body")

        def look(adapted: ProducerConnection) -> Shape:
            shape: Shape = {}
            for table in TABLES:
                text = show.sql.replace(body, self.naming.table(table))
                try:
                    [(_, definition)] = adapted.query(Statement(show.name, show.kind, text), {})
                except Exception as error:
                    if number_of(error) != NO_SUCH_TABLE:
                        raise
                else:
                    shape.update(read_definition(table, definition))
            return shape

        with self.writing() as conn:
            adapted = adapt(conn)
            found = look(adapted)
            for command in commands(self.naming):
                text = COLUMNS.sub(NO_COLUMNS, PERMANENT.sub("TEMPORARY TABLE", command.sql))
                adapted.query(Statement(command.name, ":exec", text), {})
            return found, look(adapted)


def read_definition(table: str, definition: str) -> Shape:
    """Read what SHOW CREATE TABLE prints: one line for each column, key and check."""
    shape: Shape = {}
    for line in definition.split("\n")[1:-1]:
        text = INTRODUCER.sub("'", line.strip().removesuffix(","))
        if column := NAMED.match(text):
            shape[table, "column", column["name"]] = column["definition"]
        elif constraint := CONSTRAINT.match(text):
            shape[table, "constraint", constraint["definition"]] = ""
        else:
            shape[table, "index", INDEX_NAME.sub("KEY ", text)] = ""
    return shape
