"""SQLAlchemy's connections on asynchronous drivers, as ``run_sync`` lends them inside a greenlet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from outbox.connections.driver import Driver, DriverConnection
from outbox.connections.psycopg import in_transaction as in_psycopg_transaction
from outbox.connections.sqlalchemy import SqlalchemyConnection, rows_of
from outbox.connections.sqlite import in_transaction as in_sqlite_transaction
from outbox.statements import Rows, Statement


class AsyncSqlalchemyConnection(SqlalchemyConnection):
    """The same as without a loop; what SQLAlchemy put around the driver's connection knows of autocommit."""

    __slots__ = ()

    def driver_connection(self) -> Any:
        """Return the driver's own connection."""
        return self.raw.driver_connection


class AsyncpgSqlalchemyConnection(AsyncSqlalchemyConnection):
    """asyncpg numbers its parameters, and wants lists for arrays."""

    __slots__ = ()

    def query(self, statement: Statement, parameters: Mapping[str, object]) -> Rows:
        """Run a statement and return its rows."""
        return rows_of(
            statement, self._run(statement.numbered, tuple(numbered_values(statement, parameters)))
        )


def numbered_values(statement: Statement, parameters: Mapping[str, object]) -> list[object]:
    """Return the values in the order of ``$1``, ``$2``."""
    return [
        listed(parameters[name]) if name == "partition_ids" else parameters[name]
        for name in statement.parameters
    ]


def listed(literal: object) -> object:
    """Return the numbers of an array literal, as asyncpg wants them."""
    if not isinstance(literal, str):
        return literal
    inside = literal.strip("{}")
    return [int(number) for number in inside.split(",")] if inside else []


def of_adapter(asked: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Ask the driver's connection inside of what SQLAlchemy put around it."""
    return lambda adapter: asked(adapter.driver_connection)


def has_no_autocommit(adapter: Any) -> bool:
    """Tell whether a transaction is begun before a statement: asyncpg's by SQLAlchemy, as it is set."""
    return not adapter.autocommit


def mysql_autocommit_is_off(adapter: Any) -> bool:
    """Ask for the flag that the server sent with its last answer."""
    return not adapter.get_autocommit()


def no_cursor(_: Any) -> Any:
    """Refuse: statements run through SQLAlchemy."""
    raise NotImplementedError


MYSQL = Driver("SQLAlchemy", "mysql", no_cursor, mysql_autocommit_is_off)
ASYNCHRONOUS: dict[tuple[str, str], Driver] = {
    ("postgresql", "psycopg"): Driver(
        "SQLAlchemy", "postgresql", no_cursor, of_adapter(in_psycopg_transaction), binary=True
    ),
    ("postgresql", "asyncpg"): Driver("asyncpg", "postgresql", no_cursor, has_no_autocommit),
    ("sqlite", "aiosqlite"): Driver(
        "SQLAlchemy", "sqlite", no_cursor, of_adapter(in_sqlite_transaction), named=True
    ),
    **{(name, driver): MYSQL for name in ("mysql", "mariadb") for driver in ("aiomysql", "asyncmy")},
}
"""By the names of SQLAlchemy's dialect and driver."""


def on_loop(connection: Any) -> SqlalchemyConnection | None:
    """Adapt SQLAlchemy's Connection on an asynchronous driver; None for a driver that is not known."""
    driver = ASYNCHRONOUS.get((connection.dialect.name, connection.dialect.driver))
    if driver is None:
        return None
    kind = AsyncpgSqlalchemyConnection if driver.kind == "asyncpg" else AsyncSqlalchemyConnection
    return kind(connection, DriverConnection(driver, connection.connection.dbapi_connection))
