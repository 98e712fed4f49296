"""PostgreSQL 13 and later, through psycopg 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outbox.backends.postgresql.backend import PostgresBackend
from outbox.backends.postgresql.sources import EngineSource, PoolSource, connector
from outbox.statements import Naming

if TYPE_CHECKING:
    from psycopg_pool import ConnectionPool
    from sqlalchemy import Engine

__all__ = ["PostgresBackend", "connect", "from_engine", "from_pool"]


def connect(
    conninfo: str, *, naming: Naming, pool_size: int, listen_url: str | None = None
) -> PostgresBackend:
    """Make a backend with a pool of its own for a libpq URL or connection string."""
    to_listen = connector(listen_url)
    return PostgresBackend(PoolSource.from_conninfo(conninfo, pool_size), naming, to_listen)


def from_pool(pool: ConnectionPool[Any], *, naming: Naming, listen_url: str | None = None) -> PostgresBackend:
    """Use the user's open psycopg pool, which stays the user's."""
    return PostgresBackend(PoolSource(pool, owned=False), naming, connector(listen_url))


def from_engine(engine: Engine, *, naming: Naming, listen_url: str | None = None) -> PostgresBackend:
    """Use the user's Engine on psycopg 3, which stays the user's."""
    return PostgresBackend(EngineSource(engine), naming, connector(listen_url))
