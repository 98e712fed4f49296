"""From a target, as the user gives it, to a backend. The only place that chooses a driver.

SQLAlchemy is imported by the functions that need it: it takes three quarters of the time that
``import outbox`` would take with it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from outbox.errors import ConfigurationError, MissingDriver
from outbox.statements.dialect import DIALECTS

if TYPE_CHECKING:
    from sqlalchemy import URL

    from outbox.backends.protocol import Backend
    from outbox.connections.driver import DriverConnection
    from outbox.statements import Catalog, Naming


class Database(NamedTuple):
    """What is known of a kind of database before there is a connection to one."""

    backend: str
    """Whose folders it uses, of ``sql/`` and of this package."""
    driver: str
    """SQLAlchemy's name of the driver that workers run on."""
    variant: str | None = None
    """The folder in ``sql/<backend>/`` whose statements take the place of those with the same names."""


DATABASES = {
    "postgresql": Database("postgresql", "psycopg"),
    "mysql": Database("mysql", "mysqlconnector"),
    "mariadb": Database("mysql", "mysqlconnector"),
    "sqlite": Database("sqlite", "pysqlite"),
}
"""By the name in a URL. This is the one place that says which databases there are.

One more that a driver of these speaks to, such as a distributed PostgreSQL with statements of its own, is
one more line. A driver says whose SQL its servers understand, never which database one of them is.
"""
NAMES = " or ".join(", ".join(DATABASES).rsplit(", ", 1))
# libpq takes both.
OTHER_NAMES = {"postgres": "postgresql"}
# PostgreSQL takes host:port,host:port; SQLAlchemy would take all of it for one port.
OTHER_HOSTS = re.compile(r"^(postgres\w*(?:\+\w+)?://(?:[^/?]*@)?[^/?@,]*),[^/?@]*")
# libpq ends the host at the first "/", wherever the password ends.
SLASH_IN_PASSWORD = re.compile(r"^postgres\w*(?:\+\w+)?://[^/?@]*:[^/?@]*/[^?]*@")
A_URL = "give a URL (postgresql://…, mysql://…, mariadb://…, sqlite:///…)"
WHAT_IT_TAKES = f"{A_URL}, an sqlalchemy.Engine or a psycopg_pool.ConnectionPool"


@runtime_checkable
class Opener(Protocol):
    """A target that opens its backend by itself: the database of a framework."""

    def open_backend(self, *, naming: Naming, listen_url: str | None) -> Backend:
        """Return the backend, without connecting yet."""


def check_target(target: object) -> None:
    """Raise `ConfigurationError` for what `open_backend` could not use, without importing a driver."""
    from sqlalchemy import URL, Engine

    from outbox.backends.engines import survive_forks

    if isinstance(target, Engine):
        database_of(target.dialect.name, target.dialect.driver)
        survive_forks(target)
    elif isinstance(target, (str, URL)):
        database_of_url(parse_url(target))
    elif not is_pool(target) and not isinstance(target, Opener):
        raise ConfigurationError("target", type(target).__name__, WHAT_IT_TAKES)


def is_pool(target: object) -> bool:
    """Tell whether a target is a psycopg pool, of a class of its own or wrapped in a proxy too."""
    return any(base.__module__.partition(".")[0] == "psycopg_pool" for base in target.__class__.__mro__)


def check_listen_url(url: object) -> str:
    """Return a URL to listen at as libpq reads it; raises `ConfigurationError`."""
    if not isinstance(url, str) or not url.startswith("postgres"):
        raise ConfigurationError("listen_url", url, "give the URL of a PostgreSQL server, postgresql://…")
    try:
        database_of_url(parse_url(url))
    except ConfigurationError as error:
        raise ConfigurationError("listen_url", error.value, error.problem) from None
    return _libpq(url)


def open_backend(
    target: object,
    *,
    naming: Naming,
    pool_size: int,
    listen_url: str | None = None,
    variant: str | None = None,
) -> Backend:
    """Return the backend for a URL, an Engine or a psycopg pool, without connecting yet.

    For a URL the backend makes a pool of at most ``pool_size`` connections; an Engine or a pool stays
    the caller's. With ``listen_url`` it listens there. ``variant`` is that of a database which an Engine or
    a pool cannot name. Raises `ConfigurationError` for what cannot work and `MissingDriver`.
    """
    from sqlalchemy import URL, Engine

    given: Any = target
    if isinstance(target, Engine):
        from outbox.backends.engines import survive_forks

        survive_forks(target)
        database = database_of(target.dialect.name, target.dialect.driver)
    elif isinstance(target, (str, URL)):
        url = parse_url(target)
        database = database_of_url(url)
        given = _libpq(target) if database.backend == "postgresql" else url
    elif is_pool(target):
        database = DATABASES["postgresql"]
    elif isinstance(target, Opener):
        return target.open_backend(naming=naming, listen_url=listen_url)
    else:
        raise ConfigurationError("target", type(target).__name__, WHAT_IT_TAKES)
    if variant is not None:
        database = database._replace(variant=variant)
    return _connect(database, given, naming, pool_size, listen_url)


def on_given(connection: DriverConnection, handed: object, *, catalog: Catalog, naming: Naming) -> Backend:
    """Return a backend on a connection of the caller's, in the transaction that is open there.

    ``handed`` is what transactional handlers get. The connection stays the caller's: nothing on it is begun,
    committed or closed.
    """
    raw, driver = connection.raw, connection.driver
    if connection.backend == "postgresql":
        from outbox.backends.postgresql import given

        return given.on_given(driver, raw, handed, catalog=catalog, naming=naming)
    if connection.backend == "mysql":
        from outbox.backends.mysql import given as given_mysql

        return given_mysql.on_given(driver, raw, handed, catalog=catalog, naming=naming)
    from outbox.backends.sqlite import given as given_sqlite

    return given_sqlite.on_given(raw, handed, catalog=catalog, naming=naming)


def size_of_users_pool(target: object) -> int | None:
    """Return how far a pool of the user can grow; None for a URL and for pools without a limit."""
    from sqlalchemy import Engine
    from sqlalchemy.pool import QueuePool

    if isinstance(target, Engine):
        shared = target.pool
        overflow = getattr(shared, "_max_overflow", -1)
        if not isinstance(shared, QueuePool) or overflow < 0:
            return None
        return int(shared.size()) + int(overflow)
    size = getattr(target, "max_size", None)
    return size if isinstance(size, int) else None


def file_of_url(url: str) -> Path | None:
    """Return the file that connecting to a URL would create if it does not exist; None for all others."""
    parsed = parse_url(url)
    database = DATABASES.get(parsed.get_backend_name())
    if database is None or not DIALECTS[database.backend].is_embedded:
        return None
    path = parsed.database or ""
    return None if path in {"", ":memory:"} or path.startswith("file:") else Path(path)


def check_naming(backend: str, naming: Naming) -> None:
    """Raise `ConfigurationError` for a schema where there is none."""
    if naming.schema is not None and not DIALECTS[backend].has_schemas:
        raise ConfigurationError("schema", naming.schema, "only PostgreSQL has schemas; leave it out")


def parse_url(target: str | URL) -> URL:
    """Parse a URL, of several hosts the first; raises `ConfigurationError` with the password masked."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(OTHER_HOSTS.sub(r"\1", target) if isinstance(target, str) else target)
    except (ArgumentError, ValueError):
        raise ConfigurationError("target", str(target), A_URL) from None
    if isinstance(target, str) and ("@" in (url.host or "") or SLASH_IN_PASSWORD.match(target)):
        # A driver would name half of the password in its error, as a part of the host.
        raise ConfigurationError("target", target, "write @ in a user or password as %40, and / as %2F")
    return url


def database_of_url(url: URL) -> Database:
    """Return which database a URL names."""
    name, _, driver = url.drivername.partition("+")
    database = database_of(name, driver)
    if database.backend == "mysql" and not url.database:
        problem = "name the database after the host: mysql://host/database"
        raise ConfigurationError("target", url.render_as_string(), problem)
    return database


def database_of(name: str, driver: str) -> Database:
    """Return the database that a dialect of SQLAlchemy's names; raises for one that workers cannot use."""
    proper = OTHER_NAMES.get(name, name)
    database = DATABASES.get(proper)
    if database is None:
        raise ConfigurationError("target", name, WHAT_IT_TAKES)
    if driver not in {"", database.driver}:
        problem = (
            f"workers do not run on this driver; use {proper}+{database.driver}://… "
            "(connections of yours are still welcome in enqueue)"
        )
        raise ConfigurationError("target", f"{name}+{driver}", problem)
    return database


def _libpq(target: str | URL) -> str:
    """Return a URL as libpq reads it; text keeps what only libpq knows, such as several hosts."""
    text = target if isinstance(target, str) else target.render_as_string(hide_password=False)
    return f"postgresql://{text.partition('://')[2]}"


def _connect(
    database: Database, target: Any, naming: Naming, pool_size: int, listen_url: str | None
) -> Backend:
    backend, variant = database.backend, database.variant
    check_naming(backend, naming)
    if listen_url is not None and backend != "postgresql":
        raise ConfigurationError("listen_url", listen_url, "only PostgreSQL has notifications; leave it out")
    try:
        if backend == "postgresql":
            return _postgresql(target, naming, pool_size, listen_url, variant)
        if backend == "mysql":
            from outbox.backends import mysql

            return mysql.connect(target, naming=naming, pool_size=pool_size, variant=variant)
        from outbox.backends import sqlite

        return sqlite.connect(target, naming=naming, pool_size=pool_size, variant=variant)
    except ImportError as error:
        raise _missing(backend, error) from error


def _postgresql(
    target: Any, naming: Naming, pool_size: int, listen_url: str | None, variant: str | None
) -> Backend:
    from outbox.backends import postgresql

    if isinstance(target, str):
        return postgresql.connect(
            target, naming=naming, pool_size=pool_size, listen_url=listen_url, variant=variant
        )
    if not is_pool(target):
        return postgresql.from_engine(target, naming=naming, listen_url=listen_url, variant=variant)
    from psycopg_pool import ConnectionPool

    if not isinstance(target, ConnectionPool):
        raise ConfigurationError("target", type(target).__name__, WHAT_IT_TAKES)
    return postgresql.from_pool(target, naming=naming, listen_url=listen_url, variant=variant)


def _missing(family: str, error: ImportError) -> Exception:
    extras = {"postgresql": "postgres", "mysql": "mysql"}
    if family not in extras or (error.name or "").partition(".")[0] == "outbox":
        return error
    return MissingDriver.of(family, error.name or str(error), extras[family])


def is_postgresql(target: object) -> bool:
    """Return whether a URL, an Engine or a pool leads to PostgreSQL."""
    if isinstance(target, str):
        return parse_url(target).get_backend_name() == "postgresql"
    return getattr(getattr(target, "dialect", None), "name", "postgresql") == "postgresql"
