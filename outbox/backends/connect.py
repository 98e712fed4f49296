"""From a target, as the user gives it, to a backend. The only place that chooses a driver.

SQLAlchemy is imported by the functions that need it: it takes three quarters of the time that
``import outbox`` would take with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from outbox.errors import ConfigurationError, MissingDriver

if TYPE_CHECKING:
    from sqlalchemy import URL

    from outbox.backends.protocol import Backend
    from outbox.statements import Naming

FAMILIES = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
}
DRIVERS = {"postgresql": "psycopg", "mysql": "mysqlconnector", "sqlite": "pysqlite"}
# PostgreSQL takes host:port,host:port; SQLAlchemy would take all of it for one port.
OTHER_HOSTS = re.compile(r"^(postgres\w*(?:\+\w+)?://(?:[^/?]*@)?[^/?@,]*),[^/?@]*")
# libpq ends the host at the first "/", wherever the password ends.
SLASH_IN_PASSWORD = re.compile(r"^postgres\w*(?:\+\w+)?://[^/?@]*:[^/?@]*/[^?]*@")
WHAT_IT_TAKES = (
    "give a URL (postgresql://…, mysql://…, mariadb://…, sqlite:///…), an sqlalchemy.Engine "
    "or a psycopg_pool.ConnectionPool"
)


def check_target(target: object) -> None:
    """Raise `ConfigurationError` for what `open_backend` could not use, without importing a driver."""
    from sqlalchemy import URL, Engine

    if isinstance(target, Engine):
        family_of(target.dialect.name, target.dialect.driver)
    elif isinstance(target, (str, URL)):
        family_of_url(parse_url(target))
    elif not is_pool(target):
        raise ConfigurationError("target", type(target).__name__, WHAT_IT_TAKES)


def is_pool(target: object) -> bool:
    """Tell whether a target is a psycopg pool, of a class of its own or wrapped in a proxy too."""
    return any(base.__module__.partition(".")[0] == "psycopg_pool" for base in target.__class__.__mro__)


def check_listen_url(url: object) -> str:
    """Return a URL to listen at as libpq reads it; raises `ConfigurationError`."""
    if not isinstance(url, str) or not url.startswith("postgres"):
        raise ConfigurationError("listen_url", url, "give the URL of a PostgreSQL server, postgresql://…")
    try:
        family_of_url(parse_url(url))
    except ConfigurationError as error:
        raise ConfigurationError("listen_url", error.value, error.problem) from None
    return _libpq(url)


def open_backend(target: object, *, naming: Naming, pool_size: int, listen_url: str | None = None) -> Backend:
    """Return the backend for a URL, an Engine or a psycopg pool, without connecting yet.

    For a URL the backend makes a pool of at most ``pool_size`` connections; an Engine or a pool stays
    the caller's. With ``listen_url`` it listens there. Raises `ConfigurationError` for what cannot work
    and `MissingDriver`.
    """
    from sqlalchemy import URL, Engine

    if isinstance(target, Engine):
        family = family_of(target.dialect.name, target.dialect.driver)
        return _connect(family, target, naming, pool_size, listen_url)
    if isinstance(target, (str, URL)):
        url = parse_url(target)
        family = family_of_url(url)
        given = _libpq(target) if family == "postgresql" else url
        return _connect(family, given, naming, pool_size, listen_url)
    if is_pool(target):
        return _from_pool(target, naming, listen_url)
    raise ConfigurationError("target", type(target).__name__, WHAT_IT_TAKES)


def check_naming(family: str, naming: Naming) -> None:
    """Raise `ConfigurationError` for a schema where there is none."""
    if naming.schema is not None and family != "postgresql":
        raise ConfigurationError("schema", naming.schema, "only PostgreSQL has schemas; leave it out")


def parse_url(target: str | URL) -> URL:
    """Parse a URL, of several hosts the first; raises `ConfigurationError` with the password masked."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(OTHER_HOSTS.sub(r"\1", target) if isinstance(target, str) else target)
    except (ArgumentError, ValueError):
        raise ConfigurationError("target", str(target), WHAT_IT_TAKES) from None
    if isinstance(target, str) and ("@" in (url.host or "") or SLASH_IN_PASSWORD.match(target)):
        # A driver would name half of the password in its error, as a part of the host.
        raise ConfigurationError("target", target, "write @ in a user or password as %40, and / as %2F")
    return url


def family_of_url(url: URL) -> str:
    """Return which of our backends serves a URL."""
    backend, _, driver = url.drivername.partition("+")
    family = family_of(backend, driver)
    if family == "mysql" and not url.database:
        problem = "name the database after the host: mysql://host/database"
        raise ConfigurationError("target", url.render_as_string(), problem)
    return family


def family_of(backend: str, driver: str) -> str:
    """Return which of our backends serves a dialect and driver of SQLAlchemy's names."""
    family = FAMILIES.get(backend)
    if family is None:
        raise ConfigurationError("target", backend, WHAT_IT_TAKES)
    if driver not in {"", DRIVERS[family]}:
        name = f"{backend}+{driver}"
        right = f"{'postgresql' if family == 'postgresql' else backend}+{DRIVERS[family]}://…"
        problem = (
            f"workers do not run on this driver; use {right} "
            "(connections of yours are still welcome in enqueue)"
        )
        raise ConfigurationError("target", name, problem)
    return family


def _libpq(target: str | URL) -> str:
    """Return a URL as libpq reads it; text keeps what only libpq knows, such as several hosts."""
    text = target if isinstance(target, str) else target.render_as_string(hide_password=False)
    scheme, _, rest = text.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"


def _connect(family: str, target: Any, naming: Naming, pool_size: int, listen_url: str | None) -> Backend:
    check_naming(family, naming)
    if listen_url is not None and family != "postgresql":
        raise ConfigurationError("listen_url", listen_url, "only PostgreSQL has notifications; leave it out")
    try:
        if family == "postgresql":
            from outbox.backends import postgresql

            if isinstance(target, str):
                return postgresql.connect(target, naming=naming, pool_size=pool_size, listen_url=listen_url)
            return postgresql.from_engine(target, naming=naming, listen_url=listen_url)
        if family == "mysql":
            from outbox.backends import mysql

            return mysql.connect(target, naming=naming, pool_size=pool_size)
        from outbox.backends import sqlite

        return sqlite.connect(target, naming=naming, pool_size=pool_size)
    except ImportError as error:
        raise _missing(family, error) from error


def _from_pool(pool: Any, naming: Naming, listen_url: str | None) -> Backend:
    try:
        from outbox.backends import postgresql
    except ImportError as error:
        raise _missing("postgresql", error) from error
    from psycopg_pool import ConnectionPool

    if not isinstance(pool, ConnectionPool):
        raise ConfigurationError("target", type(pool).__name__, WHAT_IT_TAKES)
    return postgresql.from_pool(pool, naming=naming, listen_url=listen_url)


def _missing(family: str, error: ImportError) -> Exception:
    extras = {"postgresql": "postgres", "mysql": "mysql"}
    if family not in extras or (error.name or "").partition(".")[0] == "outbox":
        return error
    return MissingDriver.of(family, error.name or str(error), extras[family])
