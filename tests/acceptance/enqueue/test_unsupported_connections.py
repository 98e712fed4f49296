from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from outbox import Outbox, UnsupportedConnection
from tests.acceptance.enqueue.support import QUEUE, assert_nothing_written
from tests.support import Database

OWN = {
    "postgresql": "psycopg Connection or Cursor",
    "mysql": "mysql.connector connection or cursor",
    "mariadb": "mysql.connector connection or cursor",
    "sqlite": "sqlite3 Connection or Cursor",
}


def refuse(outbox: Outbox, given: Any) -> UnsupportedConnection:
    with pytest.raises(UnsupportedConnection) as caught:
        outbox.enqueue(given, QUEUE, b"x")
    return caught.value


def test_what_is_no_connection_is_refused_with_its_type_and_the_accepted_ones(
    outbox: Outbox, tables: Database
) -> None:
    for given in (None, "conn", 7, object(), sqlite3):
        error = refuse(outbox, given)
        assert error.connection_type == type(given).__name__
        assert error.connection_type in str(error)
        assert OWN[tables.backend] in error.accepted
        assert all(line in str(error) for line in error.accepted)
    assert_nothing_written(tables)


def test_an_engine_is_no_connection(outbox: Outbox, tables: Database) -> None:
    error = refuse(outbox, tables.engine())
    assert error.connection_type.endswith("Engine")
    assert "SQLAlchemy Connection, Session or scoped_session on one of these drivers" in error.accepted


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_connection_to_another_kind_of_database_is_refused(outbox: Outbox, tables: Database) -> None:
    with sqlite3.connect(":memory:") as stranger:
        error = refuse(outbox, stranger)
    stranger.close()
    assert "sqlite" in error.connection_type
    assert outbox.backend.catalog.backend in str(error)
    assert error.accepted[0] == OWN[tables.backend]


def test_a_closed_connection_is_no_silent_success(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    connection.close()
    with pytest.raises(Exception, match=r"(?i)clos|connect"):
        outbox.enqueue(connection, QUEUE, b"x")
    assert_nothing_written(tables)
