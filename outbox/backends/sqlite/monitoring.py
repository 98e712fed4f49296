"""What people and the start-up check want to know of a SQLite database."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence
from functools import lru_cache

from outbox.backends.records import PartitionStatus
from outbox.backends.retry import retry_contention
from outbox.backends.sqlite.database import Database, array
from outbox.errors import Contention, UnsupportedServer

log = logging.getLogger("outbox.backends.sqlite")

OLDEST = (3, 35, 0)
"""The first version with RETURNING and MATERIALIZED."""
UNSAFE_WAL_BEFORE = (3, 51, 3)
REPAIRED_BRANCHES = {(3, 44): 6, (3, 50): 7}
"""Older branches into which the repair went, and the patch release that has it."""


def check_server(db: Database) -> None:
    """Refuse a SQLite that is too old and a database that cannot be written."""
    if sqlite3.sqlite_version_info < OLDEST:
        raise UnsupportedServer("SQLite", sqlite3.sqlite_version, "version 3.35 or later is needed")
    try:
        with db.write() as session:
            # BEGIN IMMEDIATE is content with a file that cannot be written; these two are not. The
            # first makes sure that there is a table, the second writes although it finds no row.
            session.run("create_migrations_table")
            session.run("forget_migration", name="")
            session.conn.rollback()
    except Contention:
        log.debug("the write lock is taken, so the database takes writes")
    mode = db.read("journal_mode").value()
    if mode == "wal" and db.source.shared and wal_is_unsafe(sqlite3.sqlite_version_info):
        warn_of_wal(sqlite3.sqlite_version)
    if mode not in {"wal", "memory"} and db.read("has_migrations_table").value():
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


@retry_contention
def partition_status(db: Database, partition_ids: Sequence[int]) -> list[PartitionStatus]:
    """Return the partitions' state; 1 statement."""
    rows = db.read("partition_status", partition_ids=array(partition_ids))
    return rows.read(PartitionStatus)


@retry_contention
def dead_letter_counts(db: Database) -> dict[str, int]:
    """Return the number of dead letters by status; 1 statement."""
    return db.read("count_dead_letters_by_status").mapping("status", "n")
