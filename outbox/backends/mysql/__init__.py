"""MySQL 8.0.13 and later and MariaDB 10.6 and later, through mysql-connector-python."""

from __future__ import annotations

from sqlalchemy import URL, Engine

from outbox.backends.mysql.backend import MysqlBackend
from outbox.backends.mysql.driver import connect_arguments, load_driver
from outbox.backends.mysql.engine_source import EngineSource
from outbox.backends.mysql.pool_source import PoolSource
from outbox.backends.mysql.source import Source
from outbox.statements import Catalog, Naming

__all__ = ["MysqlBackend", "connect"]


def connect(target: URL | Engine, *, naming: Naming, pool_size: int) -> MysqlBackend:
    """Make a backend for a URL, with a pool of its own, or for the user's Engine on the driver.

    Opens no connection yet. Raises `ImportError` when the driver is missing.
    """
    catalog = Catalog.load("mysql", naming)
    source: Source
    if isinstance(target, Engine):
        source, family = EngineSource(target, catalog), target.dialect.name
    else:
        source = PoolSource(load_driver(), connect_arguments(target), pool_size, catalog)
        family = target.get_backend_name()
    return MysqlBackend(family, source, catalog, naming)
