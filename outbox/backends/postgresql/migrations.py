"""Schema changes on PostgreSQL: all of them in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from outbox.backends.postgresql.session import Operations, Session
from outbox.backends.retry import TABLE_LOCK_SECONDS, retry_migration
from outbox.errors import DatabaseError

# Undefined table, and undefined schema.
NO_SUCH_TABLE = frozenset({"42P01", "3F000"})


class Migrations(Operations):
    """See `outbox.backends.protocol.Migrations`."""

    _channel: str
    """Names the family of tables; also the key of the lock that migrating processes take."""

    def applied_migrations(self) -> list[str] | None:
        try:
            names: list[str] = self._db.query("applied_migrations").values()
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) in NO_SUCH_TABLE:
                return None
            raise
        return names

    @retry_migration
    def migrate(self, pending: Sequence[tuple[str, str]]) -> list[str]:
        if {name for name, _ in pending} <= set(self.applied_migrations() or ()):
            return []
        with self._db.writing() as session:
            applied = self._lock_and_read_applied(session)
            todo = [(name, script) for name, script in pending if name not in applied]
            for name, script in todo:
                session.script(script)
                session.query("record_migration", name=name)
            return [name for name, _ in todo]

    @retry_migration
    def rollback(self, scripts: Sequence[tuple[str, str]]) -> list[str]:
        with self._db.writing() as session:
            applied = self._lock_and_read_applied(session)
            todo = [(name, script) for name, script in scripts if name in applied]
            for name, script in todo:
                session.script(script)
                session.query("forget_migration", name=name)
            if not session.query("applied_migrations"):
                session.query("drop_migrations_table")
            return [name for name, _ in todo]

    def _lock_and_read_applied(self, session: Session) -> set[str]:
        session.query("lock_migrations", key=self._channel)
        session.query("limit_lock_waits", seconds=f"{TABLE_LOCK_SECONDS}s")
        session.query("create_migrations_table")
        return set(session.query("applied_migrations").values())
