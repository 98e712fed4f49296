"""Tables as they are against tables as the migrations make them.

The server itself says what the migrations make: they run once more, on temporary tables that no other session
sees and that go away with the connection (in memory, for SQLite). What is compared was therefore written by
the same server in the same words. Nothing is created in the user's database.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from outbox.backends.protocol import Backend
from outbox.backends.records import Shape
from outbox.schema import load_migrations
from outbox.statements import Naming, Statement


class Difference(NamedTuple):
    """Something that is not as it should be; None stands for not there."""

    what: str
    wanted: str | None
    found: str | None


def differences(backend: Backend) -> list[Difference]:
    """Return what differs; raises the driver's or our errors when the server does not let us look.

    Give it a backend of its own and close that afterwards: MySQL's temporary tables stay as long as the
    connection.
    """
    found, wanted = backend.table_shapes(partial(commands, backend.catalog.backend))
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


def commands(family: str, naming: Naming) -> list[Statement]:
    """Return the commands of all migrations one by one; none of them holds a semicolon inside."""
    return [
        Statement(step.name, ":exec", text.strip())
        for step in load_migrations(family, naming)
        for text in Statement(step.name, ":exec", step.up).compact.split(";")
        if text.strip()
    ]
