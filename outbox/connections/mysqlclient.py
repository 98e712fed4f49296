"""mysqlclient, the ``MySQLdb`` module."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from outbox.connections.driver import Driver


def open_cursor(connection: Any) -> Any:
    """Return a plain cursor, whatever the connection's cursor class is."""
    return connection.cursor(import_module("MySQLdb.cursors").Cursor)


def in_transaction(connection: Any) -> bool:
    """Tell whether autocommit is off.

    A transaction begun by hand while autocommit is on cannot be seen through this driver, so it is
    refused: turn autocommit off instead.
    """
    return not connection.get_autocommit()


MYSQLCLIENT = Driver("mysqlclient", "mysql", open_cursor, in_transaction)
