"""SQLite 3.35 and later, through the standard library's sqlite3.

SQLite has one write lock for the whole database and none for rows. Every write transaction of ours
takes it at once and holds it for as short a time as it can; a partition is therefore never found
`LOCKED`. A transactional handler holds it for as long as it runs, and nothing else is written
meanwhile: keep such handlers short, or use leased ones.
"""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import SingletonThreadPool, StaticPool

from outbox.backends.sqlite.backend import SqliteBackend
from outbox.backends.sqlite.session import Database
from outbox.backends.sqlite.sources import EngineSource, PoolSource
from outbox.errors import ConfigurationError
from outbox.statements import Catalog, Naming

__all__ = ["SqliteBackend", "connect"]

DRIVERS = frozenset({"sqlite", "sqlite+pysqlite"})
# What a URL may say: ours, and those of Python's driver; with ``uri`` it may say what SQLite itself knows.
OPTIONS = (
    "cached_statements",
    "check_same_thread",
    "detect_types",
    "isolation_level",
    "synchronous",
    "timeout",
)


def connect(
    target: str | URL | Engine, *, naming: Naming, pool_size: int, variant: str | None = None
) -> SqliteBackend:
    """Make a backend for a ``sqlite:///path`` URL, with a pool of its own, or for the user's Engine.

    The URL takes ``timeout`` (seconds to wait for the write lock, 5 by default), ``synchronous``
    (``full``, the default, or ``normal``), and what else SQLAlchemy's pysqlite URLs take. Opens no
    connection. Raises `ConfigurationError` for a database in memory that threads cannot share.
    """
    if naming.schema is not None:
        raise ConfigurationError("schema", naming.schema, "SQLite has no schemas; leave it out")
    catalog = Catalog.load("sqlite", naming, variant=variant)
    if isinstance(target, Engine):
        check_engine(target)
        return SqliteBackend(Database(EngineSource(target), catalog), naming)
    url = make_url(target)
    check_url(url)
    return SqliteBackend(Database(PoolSource(url, pool_size, catalog), catalog), naming)


def check_url(url: URL) -> None:
    """Refuse other drivers, and databases in memory: each connection would have one of its own."""
    shown = url.render_as_string()
    if url.drivername not in DRIVERS:
        raise ConfigurationError("target", shown, "SQLite is used through sqlite3; write sqlite:///path")
    for option in sorted(set(url.query) - {*OPTIONS, "mode"}) if "uri" not in url.query else ():
        raise ConfigurationError("target", shown, f"it has no option {option!r}; use {', '.join(OPTIONS)}")
    database = url.database or ":memory:"
    if ":memory:" in database or "mode=memory" in database or url.query.get("mode") == "memory":
        raise ConfigurationError(
            "target",
            shown,
            "a database in memory is not shared between threads; give the path of a file",
        )


def check_engine(engine: Engine) -> None:
    """Refuse other drivers, and pools whose connections threads share or cannot share."""
    shown = engine.url.render_as_string()
    if engine.dialect.name != "sqlite" or engine.dialect.driver != "pysqlite":
        raise ConfigurationError("target", shown, "SQLite is used through sqlite3; write sqlite:///path")
    if isinstance(engine.pool, StaticPool):
        raise ConfigurationError(
            "target",
            shown,
            "its pool gives one connection to all threads, whose transactions would mix; use a file",
        )
    if isinstance(engine.pool, SingletonThreadPool) and engine.url.query.get("cache") != "shared":
        raise ConfigurationError(
            "target", shown, "its pool gives each thread a database in memory of its own; use a file"
        )
