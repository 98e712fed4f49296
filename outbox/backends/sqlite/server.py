"""Which releases of SQLite, and which database files, will do."""

from __future__ import annotations

import logging
import sqlite3
from functools import lru_cache

from outbox.backends.sqlite.session import Operations
from outbox.errors import Contention, UnsupportedServer

log = logging.getLogger("outbox.backends.sqlite")

OLDEST = (3, 35, 0)
"""The first version with RETURNING and MATERIALIZED."""
UNSAFE_WAL_BEFORE = (3, 51, 3)
REPAIRED_BRANCHES = {(3, 44): 6, (3, 50): 7}
"""Older branches into which the repair went, and the patch release that has it."""


class Server(Operations):
    """See `outbox.backends.protocol.Server`."""

    def check_server(self) -> None:
        if sqlite3.sqlite_version_info < OLDEST:
            raise UnsupportedServer("SQLite", sqlite3.sqlite_version, "version 3.35 or later is needed")
        try:
            with self._db.writing() as session:
                # BEGIN IMMEDIATE is content with a file that cannot be written; these two are not. The
                # first makes sure that there is a table, the second writes although it finds no row.
                session.query("create_migrations_table")
                session.query("forget_migration", name="")
                session.connection.rollback()
        except Contention:
            log.debug("the write lock is taken, so the database takes writes")
        mode = self._db.query("journal_mode").value()
        if mode == "wal" and self._db.source.shared and wal_is_unsafe(sqlite3.sqlite_version_info):
            warn_of_wal(sqlite3.sqlite_version)
        if mode not in {"wal", "memory"} and self._db.query("has_migrations_table").value():
            log.warning(
                "the SQLite database is in journal mode %s, in which readers and the writer wait for each "
                "other; outbox.migrate(target) switches it to wal",
                mode,
            )


def wal_is_unsafe(version: tuple[int, ...]) -> bool:
    """Tell whether a version may corrupt a WAL database that several connections write."""
    repaired = REPAIRED_BRANCHES.get((version[0], version[1]))
    return version < UNSAFE_WAL_BEFORE and (repaired is None or version[2] < repaired)


@lru_cache
def warn_of_wal(version: str) -> None:
    """Warn once in a process."""
    log.warning(
        "SQLite %s has a fault that can, very rarely, corrupt a database in WAL mode with several "
        "connections; upgrade SQLite to 3.51.3 or later",
        version,
    )
