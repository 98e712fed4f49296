"""MySQL 8.0.13 and later and MariaDB 10.6 and later, through mysql-connector-python."""

from __future__ import annotations

import importlib
import logging
from functools import lru_cache
from typing import Any

from sqlalchemy import URL, Engine

from outbox.backends.mysql.backend import MysqlBackend
from outbox.backends.mysql.session import Source
from outbox.backends.mysql.sources import EngineSource, PoolSource
from outbox.statements import Catalog, Naming

__all__ = ["MysqlBackend", "connect"]

log = logging.getLogger("outbox.backends.mysql")

DIALECT = "mysql+mysqlconnector"
# Known to both servers, unlike the driver's own choice. Nothing compares text by the session's
# collation: names are ascii_bin in the tables.
COLLATION = "utf8mb4_general_ci"
# Seconds; the driver by itself would wait for a mute server for ever.
CONNECT_TIMEOUT = 10
# Seconds that an answer may take. On a connection whose server is gone the kernel by itself would wait for 15
# minutes to 2 hours. Statements of ours wait for locks for 50 s; those of a handler may take long.
SILENCE = 300


def connect(
    target: URL | Engine, *, naming: Naming, pool_size: int, variant: str | None = None
) -> MysqlBackend:
    """Make a backend for a URL, with a pool of its own, or for the user's Engine on the driver.

    Opens no connection yet. Raises `ImportError` when the driver is missing.
    """
    catalog = Catalog.load("mysql", naming, variant=variant)
    source: Source
    if isinstance(target, Engine):
        source, family = EngineSource(target, catalog), target.dialect.name
    else:
        source = PoolSource(load_driver(), connect_arguments(target), pool_size, catalog)
        family = target.get_backend_name()
    return MysqlBackend(family, source, catalog, naming)


@lru_cache(maxsize=1)
def load_driver() -> Any:
    """Import and return ``mysql.connector``; raises `ImportError`.

    Warns once when its C extension is missing: the pure-Python protocol works, at several times the
    CPU a message.
    """
    driver = importlib.import_module("mysql.connector")
    if not getattr(driver, "HAVE_CEXT", False):
        log.warning(
            "mysql-connector-python lacks its C extension; every message will cost several times the CPU",
            extra={"event": "outbox.slow_driver"},
        )
    return driver


def connect_arguments(url: URL) -> dict[str, Any]:
    """Return the driver's keyword arguments for a URL of whatever driver name.

    SQLAlchemy reads the URL, so that its options mean here what they mean there.
    """
    dialect = url.set(drivername=DIALECT).get_dialect()()
    _, options = dialect.create_connect_args(url)
    arguments = dict(options)
    if "buffered" not in url.query:
        arguments.pop("buffered", None)
    arguments.setdefault("charset", "utf8mb4")
    if arguments["charset"] == "utf8mb4":
        arguments.setdefault("collation", COLLATION)
    if not arguments.keys() & {"connection_timeout", "connect_timeout"}:
        arguments["connection_timeout"] = CONNECT_TIMEOUT
    arguments.update({name: value for name, value in silence_limits().items() if name not in arguments})
    # What a transactional handler leaves unread must not fail the statement after it.
    arguments.setdefault("consume_results", True)
    # What the pool believes of a new connection.
    arguments["autocommit"] = False
    return arguments


def silence_limits() -> dict[str, int]:
    """Return the driver's arguments that bound the wait for an answer; older drivers have none."""
    from mysql.connector.constants import DEFAULT_CONFIGURATION

    return {name: SILENCE for name in ("read_timeout", "write_timeout") if name in DEFAULT_CONFIGURATION}
