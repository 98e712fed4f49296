"""The driver mysql-connector-python: found, told what to connect to, and asked for connections."""

from __future__ import annotations

import importlib
import logging
from functools import lru_cache
from typing import Any, NoReturn

from sqlalchemy import URL, Engine

from outbox.errors import ConfigurationError, MissingDriver

log = logging.getLogger("outbox.backends.mysql")

DRIVER = "mysqlconnector"
DRIVER_NAMES = frozenset({"mysql", "mariadb", f"mysql+{DRIVER}", f"mariadb+{DRIVER}"})
# Known to both servers, unlike the driver's own choice. Nothing compares text by the session's
# collation: names are ascii_bin in the tables.
COLLATION = "utf8mb4_general_ci"


@lru_cache(maxsize=1)
def load_driver() -> Any:
    """Import and return ``mysql.connector``; raise `MissingDriver` naming the extra.

    Warns once when its C extension is missing: the pure-Python protocol works, at several times the
    CPU a message.
    """
    try:
        driver = importlib.import_module("mysql.connector")
    except ImportError as error:
        raise MissingDriver.of("mysql", "mysql.connector", "mysql") from error
    if not getattr(driver, "HAVE_CEXT", False):
        log.warning(
            "the C extension of mysql-connector-python is missing; messages will cost several times the CPU"
        )
    return driver


def check_url(url: URL) -> None:
    """Refuse a URL of another driver."""
    if url.drivername not in DRIVER_NAMES:
        refuse_driver(url)


def check_engine(engine: Engine) -> None:
    """Refuse an Engine on another driver."""
    if engine.dialect.driver != DRIVER:
        refuse_driver(engine.url)


def refuse_driver(url: URL) -> NoReturn:
    """Raise the error that names the right URL, without the password."""
    family = url.get_backend_name()
    right = url.set(drivername=f"{family if family in DRIVER_NAMES else 'mysql'}+{DRIVER}")
    problem = (
        "the workers run on mysql-connector-python; "
        f"build the outbox from {right.render_as_string(hide_password=True)} "
        "(enqueue still takes connections of the other driver)"
    )
    raise ConfigurationError("target", url.render_as_string(hide_password=True), problem)


def connect_arguments(url: URL) -> dict[str, Any]:
    """Return the driver's keyword arguments for a URL.

    SQLAlchemy reads the URL, so that its options mean here what they mean there.
    """
    dialect = url.set(drivername=f"mysql+{DRIVER}").get_dialect()()
    _, options = dialect.create_connect_args(url)
    arguments = dict(options)
    if "buffered" not in url.query:
        arguments.pop("buffered", None)
    arguments.setdefault("charset", "utf8mb4")
    if arguments["charset"] == "utf8mb4":
        arguments.setdefault("collation", COLLATION)
    # What a transactional handler leaves unread must not fail the statement after it.
    arguments.setdefault("consume_results", True)
    arguments["autocommit"] = False
    return arguments
