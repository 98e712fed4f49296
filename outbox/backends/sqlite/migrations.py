"""Schema changes on SQLite, where tables are made in transactions like everything else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.session import Operations, Session


class Migrations(Operations):
    """See `outbox.backends.protocol.Migrations`."""

    def applied_migrations(self) -> list[str] | None:
        if not self._db.query("has_migrations_table").value():
            return None
        return self._db.query("applied_migrations").values()

    @retry_contention
    def migrate(self, pending: Sequence[tuple[str, str]]) -> list[str]:
        # Outside of the transaction, in which the journal cannot be changed.
        self._db.query("use_wal")
        if {name for name, _ in pending} <= set(self.applied_migrations() or ()):
            return []
        with self._db.writing() as session:
            applied = read_applied(session)
            todo = [(name, script) for name, script in pending if name not in applied]
            for name, script in todo:
                execute_script(session, script)
                session.query("record_migration", name=name)
            return [name for name, _ in todo]

    @retry_contention
    def rollback(self, scripts: Sequence[tuple[str, str]]) -> list[str]:
        with self._db.writing() as session:
            applied = read_applied(session)
            todo = [(name, script) for name, script in scripts if name in applied]
            for name, script in todo:
                execute_script(session, script)
                session.query("forget_migration", name=name)
            if not session.query("applied_migrations"):
                session.query("drop_migrations_table")
            return [name for name, _ in todo]


def read_applied(session: Session) -> set[str]:
    """Return what ran, making the table that tells if there is none."""
    session.query("create_migrations_table")
    return set(session.query("applied_migrations").values())


def execute_script(session: Session, script: str) -> None:
    """Run a script inside the open transaction; ``executescript`` would commit it first."""
    for statement in split(script):
        session.connection.execute(statement)


def split(script: str) -> Iterator[str]:
    """Split a script into statements as SQLite itself would."""
    gathered = ""
    for line in script.splitlines(keepends=True):
        gathered += line
        if sqlite3.complete_statement(gathered):
            yield gathered
            gathered = ""
    if gathered.strip():
        yield gathered
