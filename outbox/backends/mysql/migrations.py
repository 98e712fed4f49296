"""Schema changes on MySQL and MariaDB.

DDL commits by itself here, so every script can be run again, and what ran is written down after it. A
named lock keeps other processes waiting meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from outbox.backends.mysql.errors import NO_SUCH_TABLE, number_of
from outbox.backends.mysql.session import Operations, Session
from outbox.backends.retry import TABLE_LOCK_SECONDS, retry_migration
from outbox.errors import DatabaseError
from outbox.statements import Naming, Statement

# Long enough for another process's migration of large tables; after it the caller is told to come back.
LOCK_SECONDS = 120


class Migrations(Operations):
    """See `outbox.backends.protocol.Migrations`."""

    naming: Naming

    def applied_migrations(self) -> list[str] | None:
        try:
            with self._source.reading() as session:
                names: list[str] = session.query("applied_migrations").values()
        except DatabaseError as error:
            if number_of(error.__cause__) == NO_SUCH_TABLE:
                return None
            raise
        return names

    @retry_migration
    def migrate(self, pending: Sequence[tuple[str, str]]) -> list[str]:
        if {name for name, _ in pending} <= set(self.applied_migrations() or ()):
            return []
        with self._locked() as session:
            applied = read_applied(session)
            todo = [(name, script) for name, script in pending if name not in applied]
            for name, script in todo:
                session.script(Statement(name, ":exec", script).compact)
                session.change("record_migration", name=name)
                session.commit()
        return [name for name, _ in todo]

    @retry_migration
    def rollback(self, scripts: Sequence[tuple[str, str]]) -> list[str]:
        with self._locked() as session:
            applied = read_applied(session)
            todo = [(name, script) for name, script in scripts if name in applied]
            for name, script in todo:
                session.script(Statement(name, ":exec", script).compact)
                session.change("forget_migration", name=name)
                session.commit()
            if not session.query("applied_migrations"):
                session.command("drop_migrations_table")
        return [name for name, _ in todo]

    @contextmanager
    def _locked(self) -> Iterator[Session]:
        """Hold the lock on the family of tables; the block commits what it writes."""
        key = self.naming.prefix
        with self._source.reading() as session:
            if session.query("lock_migrations", key=key, seconds=LOCK_SECONDS).value() != 1:
                msg = f"MySQL: another process has been migrating for {LOCK_SECONDS} seconds; try again later"
                raise DatabaseError(msg)
            usual = session.query("lock_wait_limit").value()
            try:
                session.change("limit_lock_waits", seconds=TABLE_LOCK_SECONDS)
                yield session
            finally:
                session.change("limit_lock_waits", seconds=int(usual))
                session.query("unlock_migrations", key=key)


def read_applied(session: Session) -> set[str]:
    """Return what ran, making the table that tells if there is none."""
    session.command("create_migrations_table")
    return set(session.query("applied_migrations").values())
