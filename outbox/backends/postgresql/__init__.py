"""PostgreSQL 13 and later, through psycopg 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outbox.backends.postgresql.backend import PostgresBackend
from outbox.backends.postgresql.engine_source import EngineSource
from outbox.backends.postgresql.session import Database
from outbox.backends.postgresql.sources import PoolSource, connector
from outbox.statements import Catalog, Naming

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool
    from sqlalchemy import Engine

__all__ = ["PostgresBackend", "connect", "from_engine", "from_pool"]


def connect(
    conninfo: str,
    *,
    naming: Naming,
    pool_size: int,
    listen_url: str | None = None,
    variant: str | None = None,
) -> PostgresBackend:
    """Make a backend with a pool of its own for a libpq URL or connection string."""
    to_listen = connector(listen_url)
    catalog = Catalog.load("postgresql", naming, variant=variant)
    source = PoolSource.from_conninfo(conninfo, pool_size, catalog)
    return PostgresBackend(Database(source, catalog), naming, to_listen)


def from_pool(
    pool: ConnectionPool[Any], *, naming: Naming, listen_url: str | None = None, variant: str | None = None
) -> PostgresBackend:
    """Use the user's open psycopg pool, which stays the user's."""
    to_listen = connector(listen_url)
    catalog = Catalog.load("postgresql", naming, variant=variant)
    source = PoolSource(pool, catalog, owned=False)
    return PostgresBackend(Database(source, catalog), naming, to_listen)


def from_engine(
    engine: Engine, *, naming: Naming, listen_url: str | None = None, variant: str | None = None
) -> PostgresBackend:
    """Use the user's Engine on psycopg 3, which stays the user's."""
    catalog = Catalog.load("postgresql", naming, variant=variant)
    source = EngineSource(engine, catalog)
    return PostgresBackend(Database(source, catalog), naming, connector(listen_url))
