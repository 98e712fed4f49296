"""Which releases of SQLite, and which database files, will do."""

from __future__ import annotations

import logging
import os
import sqlite3
from functools import lru_cache

from outbox.backends.records import Component
from outbox.backends.sqlite.session import Operations
from outbox.errors import ReadOnlyServer, UnsupportedServer

log = logging.getLogger("outbox.backends.sqlite")

OLDEST = (3, 35, 0)
"""The first version with RETURNING and MATERIALIZED."""
UNSAFE_WAL_BEFORE = (3, 51, 3)
"""The first release that repairs the reset of a WAL which several connections write."""
REPAIRED_BRANCHES = {(3, 44): 6, (3, 50): 7}
"""Older branches into which the repair went, and the patch release that has it."""


class Server(Operations):
    """See `outbox.backends.protocol.Server`."""

    def check_server(self, *, reading: bool = False) -> None:
        if sqlite3.sqlite_version_info < OLDEST:
            raise UnsupportedServer("SQLite", sqlite3.sqlite_version, "version 3.35 or later is needed")
        if reading:
            return
        self._check_writable()
        mode = self._db.query("journal_mode").value()
        if mode == "wal" and self._db.source.shared and wal_is_unsafe(sqlite3.sqlite_version_info):
            warn_of_wal(sqlite3.sqlite_version)
        if mode not in {"wal", "memory"} and self._db.query("has_migrations_table").value():
            log.warning(
                "the SQLite database is in journal mode %s, in which readers and the writer wait for each "
                "other; outbox.migrate(target) switches it to wal",
                mode,
                extra={"event": "outbox.journal_mode"},
            )

    def describe_server(self) -> Component:
        text = f"SQLite {sqlite3.sqlite_version}"
        if not wal_is_unsafe(sqlite3.sqlite_version_info):
            return Component(text)
        return Component(
            text,
            "it can, very rarely, corrupt a WAL database that several connections write",
            "upgrade SQLite to 3.51.3 or later (or 3.50.7, 3.44.6)",
        )

    def describe_driver(self) -> Component:
        return Component(f"sqlite3 with SQLite {sqlite3.sqlite_version}")

    def _check_writable(self) -> None:
        """Raise `ReadOnlyServer`, without the write lock: the caller, or another, may hold it for long."""
        path = self._db.query("main_file").value()
        if self._db.source.read_only or (path and not os.access(path, os.W_OK)):
            raise ReadOnlyServer(
                f"SQLite: {path} was opened for reading only, or its file may not be written; "
                "leave mode=ro and immutable out, and give the program the right to write"
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
        extra={"event": "outbox.faulty_server"},
    )
