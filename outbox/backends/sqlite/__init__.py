"""SQLite 3.35 and later, through the standard library's sqlite3.

SQLite has one write lock for the whole database and none for rows. Every write transaction of ours
takes it at once and holds it for as short a time as it can; a partition is therefore never found
`LOCKED`. A transactional handler holds it for as long as it runs, and nothing else is written
meanwhile: keep such handlers short, or use leased ones.
"""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url

from outbox.backends.sqlite.backend import SqliteBackend
from outbox.backends.sqlite.database import Database
from outbox.backends.sqlite.engine_source import EngineSource
from outbox.backends.sqlite.pool_source import PoolSource
from outbox.errors import ConfigurationError
from outbox.statements import Catalog, Naming

__all__ = ["SqliteBackend", "connect"]


def connect(target: str | URL | Engine, *, naming: Naming, pool_size: int) -> SqliteBackend:
    """Make a backend for a ``sqlite:///path`` URL, with a pool of its own, or for the user's Engine.

    The URL takes ``timeout`` (seconds to wait for the write lock, 5 by default), ``synchronous``
    (``full``, the default, or ``normal``), and what else SQLAlchemy's pysqlite URLs take. Opens no
    connection. Raises `ConfigurationError` for a database in memory that threads cannot share.
    """
    if naming.schema is not None:
        raise ConfigurationError("schema", naming.schema, "SQLite has no schemas; leave it out")
    catalog = Catalog.load("sqlite", naming)
    if isinstance(target, Engine):
        return SqliteBackend(Database(EngineSource(target), catalog), naming)
    return SqliteBackend(Database(PoolSource(make_url(target), pool_size, catalog), catalog), naming)
