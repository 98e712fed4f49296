"""The shape of the tables: every column, index and check as the server itself words it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from outbox.statements import Naming, Statement
from outbox.statements.tables import TABLES as ALL_TABLES

TABLES = tuple(sorted(ALL_TABLES - {"migrations"}))
Shape: TypeAlias = dict[tuple[str, str, str], str]
"""From (table, kind, name) to the definition. An index or check is named by what it does."""
Commands: TypeAlias = Callable[[Naming], Sequence[Statement]]
"""What the migrations run, one by one, with these names."""


def shape_of(rows: list[Any], prefix: str) -> Shape:
    """Return rows of ``table_shapes`` as a shape; servers may have folded the prefix to lower case."""
    return {
        (str(table)[len(prefix) + 1 :], kind, " ".join(name.split())): " ".join(definition.split())
        for table, kind, name, definition in rows
    }
