from __future__ import annotations

import sqlite3

import pytest
import sqlalchemy

from outbox.connections import adapt
from outbox.errors import UnsupportedConnection
from tests.support import Database, Spawn


@pytest.mark.parametrize("given", [None, 7, "postgresql://localhost/shop", sqlite3])
def test_what_is_no_connection_is_refused_by_its_type(given: object) -> None:
    with pytest.raises(UnsupportedConnection) as caught:
        adapt(given)
    assert caught.value.connection_type == type(given).__qualname__
    for accepted in ("psycopg Connection", "mysql.connector", "sqlite3", "SQLAlchemy", "Django", "PyMySQL"):
        assert accepted in str(caught.value)


def test_an_engine_is_no_connection() -> None:
    engine = sqlalchemy.create_engine("sqlite://")
    with pytest.raises(UnsupportedConnection, match=r"sqlalchemy\.engine\.base\.Engine"):
        adapt(engine)


def test_asynchronous_connections_are_refused() -> None:
    import mysql.connector.aio.connection
    import psycopg

    for kind in (
        psycopg.AsyncConnection,
        psycopg.AsyncCursor,
        mysql.connector.aio.connection.MySQLConnection,
    ):
        with pytest.raises(UnsupportedConnection, match=kind.__name__):
            adapt(kind.__new__(kind))


@pytest.mark.backends("sqlite")
def test_a_connection_to_another_kind_of_database_is_refused(database: Database) -> None:
    connection = database.connect()
    assert adapt(connection, "sqlite").backend == "sqlite"
    with pytest.raises(UnsupportedConnection) as caught:
        adapt(connection, "postgresql")
    assert "sqlite3.Connection to sqlite, while the outbox is in postgresql," in str(caught.value)
    assert "psycopg Connection" in str(caught.value)
    assert "PyMySQL" not in str(caught.value)


@pytest.mark.mp
def test_recognising_connections_imports_no_driver(spawn: Spawn) -> None:
    program = """
import sys
from outbox.connections import adapt
from outbox.errors import UnsupportedConnection
try:
    adapt(object())
except UnsupportedConnection:
    pass
drivers = {"psycopg", "psycopg2", "mysql", "pymysql", "MySQLdb", "sqlite3", "django"}
print(sorted(drivers & sys.modules.keys()))
"""
    assert spawn(program).succeed() == "[]"
