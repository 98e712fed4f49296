"""What people and the start-up check want to know of a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from outbox.backends.postgresql.database import Database, int_array
from outbox.backends.records import PartitionStatus
from outbox.backends.retry import retry_contention
from outbox.errors import ReadOnlyServer, UnsupportedServer

OLDEST_VERSION = 130000


def check_server(db: Database) -> None:
    """Refuse servers before version 13 and servers that take no writes.

    On a connection of its own, not the pool's: a server that is away says why at once.
    """
    with db.translated(), closing(db.source.dedicated()) as conn:
        [found] = db.on(conn, "server_version").named()
    judge(int(found.version), read_only=found.read_only)


def judge(version: int, *, read_only: bool) -> None:
    """Raise `UnsupportedServer` or `ReadOnlyServer` for a server that will not do."""
    if version < OLDEST_VERSION:
        found = version // 10000 if version >= 100000 else f"{version // 10000}.{version // 100 % 100}"
        raise UnsupportedServer("server", f"PostgreSQL {found}", "version 13 is the oldest supported")
    if read_only:
        msg = "PostgreSQL: this server is a read-only standby; connect to the primary"
        raise ReadOnlyServer(msg)


def partition_status(db: Database, partition_ids: Sequence[int]) -> list[PartitionStatus]:
    """Return the partitions' state; 1 statement."""
    rows = db.run("partition_status", partition_ids=int_array(partition_ids))
    return rows.read(PartitionStatus)


def dead_letter_counts(db: Database) -> dict[str, int]:
    """Return the number of dead letters by status; 1 statement."""
    return db.run("count_dead_letters_by_status").mapping("status", "n")


@retry_contention
def vacuum(db: Database, partition_ids: Sequence[int], limit: int) -> int:
    """Delete processed messages; 1 statement."""
    return int(db.run("vacuum", partition_ids=int_array(partition_ids), limit=limit).value())
