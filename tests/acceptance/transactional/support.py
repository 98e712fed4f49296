"""A table for what transactional handlers write."""

from __future__ import annotations

from typing import Any

from outbox import OutboxMessage
from tests.acceptance.bench import Bench, run_sql
from tests.support import Database


def create_effects(database: Database, *, unique: bool = True) -> None:
    """Create the table that `write_effect` writes to."""
    key = ", PRIMARY KEY (seq)" if unique else ""
    database.execute(f"CREATE TABLE effects (seq INTEGER NOT NULL, note VARCHAR(40) NOT NULL{key})")


def write_effect(conn: Any, msg: OutboxMessage, note: str = "") -> None:
    """Write one row for a message."""
    run_sql(conn, "INSERT INTO effects (seq, note) VALUES (?, ?)", msg.seq, note)


def effects(bench: Bench) -> list[int]:
    """Return the sequence numbers of what was written and committed."""
    return [seq for (seq,) in bench.database.query("SELECT seq FROM effects ORDER BY seq")]
