"""Who holds locks that the workers wait for."""

from __future__ import annotations

from typing import Any, NamedTuple

from outbox.backends.protocol import Backend
from outbox.errors import DatabaseError
from outbox.statements.dialect import decode_text
from outbox.statements.tables import TABLES

HOT_TABLES = ("partitions", "processor", "vacuum")
"""Those whose rows every pass locks; the rows of the others belong to one message each."""


class LockHolder(NamedTuple):
    """A session that holds locks on the outbox's tables."""

    session_id: str
    who: str
    seconds: float | None
    """How long its transaction has been open; None where the user may not see it."""
    doing: str
    tables: str
    repair: str
    """The statement that ends it."""

    def __str__(self) -> str:
        age = "" if self.seconds is None else f" for {self.seconds:.0f} s"
        return f"session {self.session_id} ({self.who}) has held {self.tables}{age} ({self.doing or 'idle'})"


def lock_holders(backend: Backend, seconds: float) -> list[LockHolder]:
    """Return the sessions whose transactions have held locks on the tables for that long.

    None on SQLite, which does not tell. Raises `PermissionRefused` where the user may not know.
    """
    if "lock_holders" not in backend.catalog:
        return []
    dialect, table = backend.catalog.dialect, backend.naming.table
    tables = {
        "tables": dialect.texts([table(name) for name in sorted(TABLES)]),
        "hot_tables": dialect.texts([table(name) for name in HOT_TABLES]),
    }
    try:
        rows = backend.query("lock_holders", seconds=seconds, **tables)
    except DatabaseError:
        if "long_transactions" not in backend.catalog:
            raise
        rows = backend.query("long_transactions", seconds=seconds)
    return [holder_of(row) for row in rows]


def holder_of(row: Any) -> LockHolder:
    """Return a row as a holder; MySQL's driver gives some texts as bytes and numbers as decimals."""
    return LockHolder(
        session_id=decode_text(row.session_id),
        who=decode_text(row.who),
        seconds=None if row.seconds is None else float(row.seconds),
        doing=decode_text(row.doing),
        tables=decode_text(row.tables),
        repair=decode_text(row.repair),
    )
