"""PyMySQL."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from outbox.connections.driver import Driver

SERVER_STATUS_IN_TRANS = 1  # a flag of the protocol, in the status that ends every answer


def open_cursor(connection: Any) -> Any:
    """Return a plain cursor, whatever the connection's cursor class is."""
    return connection.cursor(import_module("pymysql.cursors").Cursor)


def in_transaction(connection: Any) -> bool:
    """Tell whether autocommit is off or a transaction is open, by the flags of the last answer."""
    return not connection.get_autocommit() or bool(connection.server_status & SERVER_STATUS_IN_TRANS)


PYMYSQL = Driver("PyMySQL", "mysql", open_cursor, in_transaction)
