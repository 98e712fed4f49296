"""Schema changes on MySQL and MariaDB.

DDL commits by itself here, so every script can be run again, and what ran is written down after it. A
named lock keeps other processes waiting meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from outbox.backends.mysql.errors import NO_SUCH_TABLE, number_of
from outbox.backends.mysql.session import Session
from outbox.backends.mysql.source import Source
from outbox.errors import DatabaseError
from outbox.statements import Statement

LOCK_SECONDS = 120

Scripts = Sequence[tuple[str, str]]


def applied_migrations(source: Source) -> list[str] | None:
    """Return the names of the applied migrations, or None without the table."""
    try:
        with source.reading() as session:
            names: list[str] = session.rows("applied_migrations").values()
    except DatabaseError as error:
        if number_of(error.__cause__) == NO_SUCH_TABLE:
            return None
        raise
    return names


def migrate(source: Source, prefix: str, pending: Scripts) -> list[str]:
    """Run what is not applied yet; see `Backend.migrate`."""
    with locked(source, prefix) as session:
        applied = read_applied(session)
        todo = [(name, script) for name, script in pending if name not in applied]
        for name, script in todo:
            session.script(Statement(name, ":exec", script).compact)
            session.change("record_migration", name=name)
            session.commit()
    return [name for name, _ in todo]


def rollback(source: Source, prefix: str, scripts: Scripts) -> list[str]:
    """Undo what is applied, in the order given; the table of migrations goes last."""
    with locked(source, prefix) as session:
        applied = read_applied(session)
        todo = [(name, script) for name, script in scripts if name in applied]
        for name, script in todo:
            session.script(Statement(name, ":exec", script).compact)
            session.change("forget_migration", name=name)
            session.commit()
        if not session.rows("applied_migrations"):
            session.command("drop_migrations_table")
    return [name for name, _ in todo]


def read_applied(session: Session) -> set[str]:
    """Return what ran, making the table that tells if there is none."""
    session.command("create_migrations_table")
    return set(session.rows("applied_migrations").values())


@contextmanager
def locked(source: Source, prefix: str) -> Iterator[Session]:
    """Hold the lock on a family of tables; the block commits what it writes."""
    with source.reading() as session:
        if session.rows("lock_migrations", key=prefix, seconds=LOCK_SECONDS).value() != 1:
            msg = f"MySQL: another process has been migrating for {LOCK_SECONDS} seconds; try again later"
            raise DatabaseError(msg)
        try:
            yield session
        finally:
            session.rows("unlock_migrations", key=prefix)
