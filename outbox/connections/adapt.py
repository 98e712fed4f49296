"""Recognise the caller's connection without importing any driver."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter, methodcaller
from typing import Any

from outbox.connections.connection import ProducerConnection
from outbox.connections.django import DjangoConnection
from outbox.connections.driver import Driver, DriverConnection
from outbox.connections.mysql_connector import MYSQL_CONNECTOR, connection_of_cursor
from outbox.connections.mysqlclient import MYSQLCLIENT
from outbox.connections.psycopg import PSYCOPG
from outbox.connections.psycopg2 import PSYCOPG2
from outbox.connections.pymysql import PYMYSQL
from outbox.connections.sqlalchemy import SqlalchemyConnection
from outbox.connections.sqlalchemy_async import on_loop
from outbox.connections.sqlite import SQLITE
from outbox.errors import UnsupportedConnection
from outbox.unwrapping import unwrap

Adapter = Callable[[Any], "ProducerConnection | None"]

# What to tell the caller, by backend; the last lines are good for all of them.
ACCEPTED = {
    "postgresql": ("psycopg Connection or Cursor", "psycopg2 connection or cursor"),
    "mysql": (
        "mysql.connector connection or cursor",
        "PyMySQL Connection or Cursor",
        "mysqlclient Connection or Cursor",
    ),
    "sqlite": ("sqlite3 Connection or Cursor",),
}
ASYNCHRONOUSLY = (
    "with `await outbox.aenqueue(…)` a SQLAlchemy AsyncSession or AsyncConnection, a psycopg AsyncConnection "
    "or an asyncpg Connection"
)
ACCEPTED_ANYWHERE = (
    "SQLAlchemy Connection, Session or scoped_session on one of these drivers",
    "Django connection",
    ASYNCHRONOUSLY,
)
BACKENDS = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}


def adapt(connection: object, backend: str | None = None) -> ProducerConnection:
    """Return the adapter for a caller's connection.

    A proxy that a tracing agent or a pool has put around one is taken for what it stands for. With
    ``backend`` (``postgresql``, ``mysql`` or ``sqlite``), one that leads to another kind of
    database is refused too. Raises `UnsupportedConnection`, which names the type and the accepted ones.
    Sends nothing, but a Session or a Django connection may connect now if it has not yet.
    """
    if isinstance(connection, ProducerConnection):
        adapted: ProducerConnection | None = connection
    else:
        adapted = unwrap(connection, recognise) or recognise_by_class(connection)
    if adapted is None:
        raise UnsupportedConnection(type_name(connection), accepted(backend))
    if backend is not None and adapted.backend != backend:
        what = f"{type_name(connection)} to {adapted.backend}, while the outbox is in {backend},"
        raise UnsupportedConnection(what, accepted(backend))
    return adapted


def accepted(backend: str | None) -> tuple[str, ...]:
    """Return the descriptions of what can be given for a backend, or for any."""
    backends = ACCEPTED if backend is None else (backend,)
    return (*(line for name in backends for line in ACCEPTED[name]), *ACCEPTED_ANYWHERE)


def type_name(connection: object) -> str:
    """Return the full name of an object's type."""
    kind = type(connection)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def find_adapter(kind: type[object]) -> Adapter | None:
    """Return how to adapt objects of a class, by the package and name of the first known base class."""
    for base in kind.__mro__:
        package = base.__module__.partition(".")[0]
        # The asynchronous twins in mysql.connector.aio have the names of the synchronous classes.
        if ".aio" not in base.__module__ and (package, base.__name__) in ADAPTERS:
            return ADAPTERS[package, base.__name__]
    return None


def recognise(given: Any) -> ProducerConnection | None:
    """Adapt an object of a known class, None for every other one."""
    adapter = find_adapter(type(given))
    return adapter(given) if adapter else None


def recognise_by_class(given: Any) -> ProducerConnection | None:
    """Adapt a proxy that says of which class it is, and hides what it wraps."""
    adapter = find_adapter(given.__class__) if given.__class__ is not type(given) else None
    return adapter(given) if adapter else None


def through(driver: Driver, find: Callable[[Any], Any] | None = None) -> Adapter:
    """Adapt what ``find`` returns for an object, the object itself without it; None stands for closed."""

    def adapter(given: Any) -> ProducerConnection | None:
        raw = find(given) if find else given
        return None if raw is None else DriverConnection(driver, raw)

    return adapter


def pooled(given: Any) -> ProducerConnection | None:
    """Adapt what ``Engine.raw_connection()`` returned."""
    return unwrap(given.driver_connection, recognise)


def sqlalchemy_connection(connection: Any) -> ProducerConnection:
    """Adapt a SQLAlchemy Connection, if it runs on one of the drivers here."""
    return on_known_driver(connection, connection)


def sqlalchemy_session(session: Any) -> ProducerConnection:
    """Adapt the Connection of a Session's transaction, which it begins by itself when there is none."""
    return on_known_driver(session.connection(), session)


def on_known_driver(connection: Any, given: Any) -> ProducerConnection:
    """Adapt ``given``'s SQLAlchemy Connection; raises `UnsupportedConnection` naming an unknown driver."""
    dialect = connection.dialect
    if getattr(dialect, "is_async", False):
        adapted = on_loop(connection)
        if adapted is not None:
            return adapted
    else:
        underneath = pooled(connection.connection)
        if isinstance(underneath, DriverConnection):
            return SqlalchemyConnection(connection, underneath)
    how = "asynchronous driver" if getattr(dialect, "is_async", False) else "driver"
    what = f"{type_name(given)} on the {how} {dialect.name}+{dialect.driver}"
    raise UnsupportedConnection(what, accepted(BACKENDS.get(dialect.name)))


def django_connection(wrapper: Any) -> ProducerConnection | None:
    """Adapt a Django connection, if it is one to a database that we know; caches have proxies as well."""
    return DjangoConnection(wrapper) if getattr(wrapper, "vendor", None) in ACCEPTED else None


of_cursor = attrgetter("connection")
of_mysql_connection = methodcaller("get_self")  # takes a pool's wrapper off as well

ADAPTERS: dict[tuple[str, str], Adapter] = {
    ("psycopg", "Connection"): through(PSYCOPG),
    ("psycopg", "Cursor"): through(PSYCOPG, of_cursor),
    ("psycopg2", "connection"): through(PSYCOPG2),
    ("psycopg2", "cursor"): through(PSYCOPG2, of_cursor),
    ("mysql", "MySQLConnectionAbstract"): through(MYSQL_CONNECTOR, of_mysql_connection),
    ("mysql", "PooledMySQLConnection"): through(MYSQL_CONNECTOR, of_mysql_connection),
    ("mysql", "MySQLCursorAbstract"): through(MYSQL_CONNECTOR, connection_of_cursor),
    ("pymysql", "Connection"): through(PYMYSQL),
    ("pymysql", "Cursor"): through(PYMYSQL, of_cursor),
    ("MySQLdb", "Connection"): through(MYSQLCLIENT),
    ("MySQLdb", "BaseCursor"): through(MYSQLCLIENT, of_cursor),
    ("sqlite3", "Connection"): through(SQLITE),
    ("sqlite3", "Cursor"): through(SQLITE, of_cursor),
    ("sqlalchemy", "Connection"): sqlalchemy_connection,
    ("sqlalchemy", "Session"): sqlalchemy_session,
    ("sqlalchemy", "scoped_session"): sqlalchemy_session,
    ("sqlalchemy", "PoolProxiedConnection"): pooled,
    ("django", "BaseDatabaseWrapper"): django_connection,
    ("django", "ConnectionProxy"): django_connection,
}
