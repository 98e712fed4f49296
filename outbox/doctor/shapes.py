"""Tables as they are against tables as the migrations make them.

The server itself says what the migrations make: they run once more, on temporary tables that nobody else
sees and that go away with the connection (in memory, for SQLite). What is compared was therefore written by
the same server in the same words. Nothing is created in the user's database.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import Any, NamedTuple, NoReturn

from outbox.backends.mysql.errors import NO_SUCH_TABLE, number_of
from outbox.backends.protocol import Backend
from outbox.connections.adapt import adapt
from outbox.connections.connection import ProducerConnection
from outbox.schema import load_migrations
from outbox.statements import Naming, Statement
from outbox.statements.tables import TABLES as ALL_TABLES

TABLES = tuple(sorted(ALL_TABLES - {"migrations"}))
Shape = dict[tuple[str, str, str], str]
"""From (table, kind, name) to the definition. An index or check is named by what it does."""
PERMANENT = re.compile(r"\bTABLE IF NOT EXISTS\b")
# Which columns are there already is asked of the tables that stay; the temporary ones have none of them.
COLUMNS = re.compile(r"\binformation_schema\.columns\b")
NO_COLUMNS = "(SELECT '' AS table_schema, '' AS table_name, '' AS column_name) AS nothing"
NAMED = re.compile(r"`(?P<name>[^`]+)` (?P<definition>.+)")
CONSTRAINT = re.compile(r"CONSTRAINT `[^`]+` (?P<definition>.+)")
# MySQL writes a check's texts in another character set when it rebuilds the table.
INTRODUCER = re.compile(r"\b_[a-z0-9]+\\?'")
INDEX_NAME = re.compile(r"\bKEY `[^`]+` ")


class Difference(NamedTuple):
    """Something that is not as it should be; None stands for not there."""

    what: str
    wanted: str | None
    found: str | None


class Scratch(Exception):
    """Carries a shape out of a transaction that is rolled back."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape


def undo(shape: Shape) -> NoReturn:
    """End a transaction, so that nothing of it stays."""
    raise Scratch(shape)


def differences(backend: Backend) -> list[Difference]:
    """Return what differs; raises the driver's or our errors when the server does not let us look.

    Give it a backend of its own and close that afterwards: MySQL's temporary tables stay as long as the
    connection.
    """
    shapes = {"postgresql": postgres_shapes, "mysql": mysql_shapes, "sqlite": sqlite_shapes}
    found, wanted = shapes[backend.catalog.backend](backend)
    keys = sorted(wanted.keys() | found.keys())
    return [
        Difference(describe(key, backend.naming), in_words(key, wanted), in_words(key, found))
        for key in keys
        if wanted.get(key) != found.get(key)
    ]


def describe(key: tuple[str, str, str], naming: Naming) -> str:
    """Name a thing for people."""
    table, kind, name = key
    return (
        f"{kind} {name} of {naming.prefix}_{table}"
        if kind == "column"
        else f"{kind} on {naming.prefix}_{table}"
    )


def in_words(key: tuple[str, str, str], shape: Shape) -> str | None:
    """Return a definition, with what an index or check is named by."""
    definition = shape.get(key)
    if definition is None or key[1] == "column":
        return definition
    return f"{key[2]} {definition}".strip()


def shape_of(rows: list[Any], prefix: str) -> Shape:
    """Return rows of ``table_shapes`` as a shape; servers may have folded the prefix to lower case."""
    return {
        (str(table)[len(prefix) + 1 :], kind, " ".join(name.split())): " ".join(definition.split())
        for table, kind, name, definition in rows
    }


def postgres_shapes(backend: Backend) -> tuple[Shape, Shape]:
    """Look first: from their creation on, the temporary tables hide the others."""
    naming, temporary = backend.naming, Naming(backend.naming.prefix, "pg_temp")
    statement = backend.catalog["table_shapes"]

    def look(lent: ProducerConnection, names: Naming) -> Shape:
        rows = lent.execute(statement, {"tables": [names.table(name) for name in TABLES]})
        return shape_of(rows, naming.prefix)

    found: Shape = {}
    try:
        with backend.connection() as conn:
            lent = adapt(conn)
            found = look(lent, naming)
            for command in commands(backend, temporary):
                lent.execute(command, {})
            undo(look(lent, temporary))
    except Scratch as scratch:
        return found, scratch.shape


def mysql_shapes(backend: Backend) -> tuple[Shape, Shape]:
    """Look first, and let nobody use the connection afterwards: the temporary tables hide the others."""
    show = backend.catalog["table_definition"]
    body = backend.naming.table("body")

    def look(lent: ProducerConnection) -> Shape:
        shape: Shape = {}
        for table in TABLES:
            text = show.sql.replace(body, backend.naming.table(table))
            try:
                [(_, definition)] = lent.execute(Statement(show.name, show.kind, text), {})
            except Exception as error:
                if number_of(error) != NO_SUCH_TABLE:
                    raise
            else:
                shape.update(read_definition(table, definition))
        return shape

    with backend.connection() as conn:
        lent = adapt(conn)
        found = look(lent)
        for command in commands(backend, backend.naming):
            text = COLUMNS.sub(NO_COLUMNS, PERMANENT.sub("TEMPORARY TABLE", command.sql))
            lent.execute(Statement(command.name, ":exec", text), {})
        return found, look(lent)


def sqlite_shapes(backend: Backend) -> tuple[Shape, Shape]:
    """Make the tables in memory."""
    names = json.dumps([backend.naming.table(name) for name in TABLES])
    found = backend.query("table_shapes", tables=names)
    with closing(sqlite3.connect(":memory:")) as memory:
        for command in commands(backend, backend.naming):
            memory.execute(command.sql)
        wanted = memory.execute(backend.catalog["table_shapes"].named, {"tables": names}).fetchall()
    return shape_of(found, backend.naming.prefix), shape_of(wanted, backend.naming.prefix)


def commands(backend: Backend, naming: Naming) -> list[Statement]:
    """Return the commands of all migrations one by one; none of them holds a semicolon inside."""
    return [
        Statement(step.name, ":exec", text.strip())
        for step in load_migrations(backend.catalog.backend, naming)
        for text in Statement(step.name, ":exec", step.up).compact.split(";")
        if text.strip()
    ]


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
