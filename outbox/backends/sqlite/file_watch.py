"""Whether connections still lead to the file at their path, and to its log."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from weakref import WeakSet

from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from outbox.backends.sqlite.forks import File, file_of, path_of
from outbox.errors import ConnectionLost

GONE = (
    "SQLite: the file {path} is gone: what a connection that has it open still writes is lost with that; put "
    "it back, or migrate a new one"
)
WITHOUT_LOG = (
    "SQLite: {path}-wal was deleted or replaced under this process, and with it commits of its own; "
    "the connections are opened anew: delete no file beside a database that is in use"
)


_with_file: WeakSet[QueuePool] = WeakSet()
"""Pools whose file has been there; those in memory never have one."""


class Found(NamedTuple):
    """What is at a path; the log is there from the first transaction on."""

    main: File | None
    log: File | None


def look(path: str) -> Found:
    """Return what is there now."""
    return Found(file_of(path), file_of(f"{path_of(path)}-wal"))


def on_its_file(pool: QueuePool, path: str) -> PoolProxiedConnection:
    """Check a connection out that leads to what is at the path now; 3 calls of the operating system.

    Files may be deleted or replaced under a process, which goes on with what it has open, seen by no other.
    Raises `ConnectionLost` while there is no file, and once for each connection that has lost its log.
    """
    while True:
        # Before SQLite makes an empty file for a connection that is opened now.
        if pool in _with_file and file_of(path) is None:
            raise ConnectionLost(GONE.format(path=Path(path_of(path))))
        loan = pool.connect()
        now = look(path)
        if now.main is not None:
            _with_file.add(pool)
        known = loan.info.get("file")
        if known is None or (known.log is None and known.main == now.main):
            loan.info["file"] = known = now
        if known == now:
            return loan
        loan.invalidate()
        loan.close()
        if known.main == now.main:
            pool.dispose()
            raise ConnectionLost(WITHOUT_LOG.format(path=Path(path_of(path))))
