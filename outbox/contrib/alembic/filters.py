"""Which tables are the application's: what Alembic's comparison leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from outbox.statements.tables import DEFAULT_PREFIX, RECEIVER_TABLES, TABLES
from outbox.values.validation import validate_prefix

IncludeName = Callable[[Any, Any, Any], bool]
IncludeObject = Callable[[Any, Any, Any, Any, Any], bool]


def include_name(*, prefix: str = DEFAULT_PREFIX, also: IncludeName | None = None) -> IncludeName:
    """Return what to give to ``context.configure(include_name=…)``: the outbox's tables are not compared.

    ``also`` is a function of yours for all other names.
    """
    family = family_of(prefix)

    def included(name: Any, type_: Any, parent_names: Any) -> bool:
        if type_ == "table" and name in family:
            return False
        return also is None or also(name, type_, parent_names)

    return included


def include_object(*, prefix: str = DEFAULT_PREFIX, also: IncludeObject | None = None) -> IncludeObject:
    """Return what to give to ``include_object`` beside it where `tables` are in the target metadata.

    Without it Alembic, which does not see those tables in the database any more, would create them.
    """
    family = family_of(prefix)

    def included(object_: Any, name: Any, type_: Any, reflected: Any, compare_to: Any) -> bool:
        if type_ == "table" and name in family:
            return False
        return also is None or also(object_, name, type_, reflected, compare_to)

    return included


def family_of(prefix: str) -> frozenset[str]:
    """Return the names of an outbox's tables, and of an inbox's."""
    validate_prefix(prefix)
    return frozenset(f"{prefix}_{table}" for table in TABLES | RECEIVER_TABLES)
