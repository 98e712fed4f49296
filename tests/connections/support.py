"""An application's side of an enqueue, and what must be true of it with any connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from outbox.connections import adapt
from outbox.enqueue import PreparedMessage, write
from outbox.statements import Catalog
from outbox.statements.catalog import parse
from outbox.statements.files import read_sql
from tests.support import Database

SQLALCHEMY_DRIVERS = {
    "postgresql": ("psycopg", "psycopg2"),
    "mysql": ("mysqlconnector", "pymysql", "mysqldb"),
    "mariadb": ("mysqlconnector", "pymysql", "mysqldb"),
    "sqlite": ("pysqlite",),
}

EVERY_BYTE = bytes(range(256)) + b"\0'\"\\%s%(x)s:name\n" + b"\xff"
HEADERS = '{"trace":"\\u00e9 \\u0000 it\'s 100% \\"quoted\\""}'
PLAIN = PreparedMessage(1, b"x", "application/json")
AWKWARD = [
    PreparedMessage(2, EVERY_BYTE, "type'with\"quotes\\ and %s :name", HEADERS),
    PreparedMessage(1, b"", "t", None),
    PreparedMessage(2, b"\0", "t", "{}"),
]


@dataclass
class Caller:
    """A connection as an application holds it, and the application's way with it."""

    given: Any
    run: Callable[[str], Any]
    commit: Callable[[], Any]
    rollback: Callable[[], Any]
    state: Callable[[], object] = field(default=lambda: None)


def family(database: Database) -> str:
    return "mysql" if database.backend == "mariadb" else database.backend


@lru_cache
def catalog(backend: str) -> Catalog:
    statements = parse(read_sql(backend, "enqueue"), "enqueue.sql")
    return Catalog(backend, {statement.name: statement for statement in statements})


def enqueue(given: object, *messages: PreparedMessage) -> list[int]:
    connection = adapt(given)
    return write(connection, catalog(connection.backend), messages)


def stored(database: Database) -> list[tuple[int, PreparedMessage]]:
    """Return what is committed: (message id, message) in the order of the ids."""
    rows = database.query(
        "SELECT b.id, i.partition_id, b.payload, b.payload_type, b.headers "
        "FROM outbox_body b JOIN outbox_incoming i ON i.body_id = b.id ORDER BY b.id"
    )
    return [(row[0], PreparedMessage(row[1], bytes(row[2]), row[3], row[4])) for row in rows]


def assert_joins_the_transaction(database: Database, caller: Caller) -> None:
    """Messages come and go with the application's data, and the connection stays as it was."""
    caller.run("INSERT INTO orders VALUES (1)")
    before = caller.state()
    assert adapt(caller.given, family(database)).in_transaction()
    ids = [*enqueue(caller.given, PLAIN), *enqueue(caller.given, *AWKWARD)]
    assert caller.state() == before
    assert stored(database) == []
    caller.commit()
    assert stored(database) == list(zip(ids, [PLAIN, *AWKWARD], strict=True))

    caller.run("INSERT INTO orders VALUES (2)")
    enqueue(caller.given, PLAIN)
    enqueue(caller.given, *AWKWARD)
    caller.rollback()
    assert len(stored(database)) == 1 + len(AWKWARD)
    assert database.query("SELECT id FROM orders") == [(1,)]


def numbered(count: int) -> list[PreparedMessage]:
    """Return messages over three partitions that can be told apart."""
    return [PreparedMessage(1 + n % 3, b"%d" % n, "t") for n in range(count)]


def attributes(connection: object, names: Sequence[str]) -> list[object]:
    return [getattr(connection, name) for name in names]


def dsn(database: Database) -> dict[str, Any]:
    """Return keyword arguments that PyMySQL and mysqlclient take."""
    parts = urlsplit(database.url)
    return {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username,
        "password": parts.password or "",
        "database": parts.path[1:],
    }


def connections(database: Database) -> dict[str, Any]:
    """Open a connection of each driver."""
    return {name: connect(database, name) for name in SQLALCHEMY_DRIVERS[database.backend]}


def connect(database: Database, driver: str) -> Any:
    if driver == "psycopg2":
        import psycopg2

        return psycopg2.connect(database.url)
    if driver == "pymysql":
        import pymysql

        return pymysql.connect(**dsn(database))
    if driver == "mysqldb":
        import MySQLdb

        return MySQLdb.connect(**dsn(database))
    return database.connect()
