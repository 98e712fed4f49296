"""mysql.connector, with its C extension and in pure Python."""

from __future__ import annotations

from typing import Any

from outbox.connections.driver import Driver

SERVER_STATUS_AUTOCOMMIT = 2  # a flag of the protocol, in the status that ends every answer


def open_cursor(connection: Any) -> Any:
    """Return a plain cursor, whatever the connection's cursors are by default."""
    # Not connection.cursor(): it pings the server first, a round trip for every message.
    from mysql.connector.connection import MySQLConnection

    if isinstance(connection, MySQLConnection):
        from mysql.connector.cursor import MySQLCursor

        return MySQLCursor(connection)
    from mysql.connector.cursor_cext import CMySQLCursor

    return CMySQLCursor(connection)


def in_transaction(connection: Any) -> bool:
    """Tell whether a transaction is open or autocommit is off."""
    if connection.in_transaction:
        return True
    # The C extension knows the status flags of the last answer; ``autocommit`` asks the server.
    status = getattr(connection, "_server_status", None)
    if isinstance(status, int):
        return not status & SERVER_STATUS_AUTOCOMMIT
    return not connection.autocommit


def connection_of_cursor(cursor: Any) -> Any:
    """Return the connection of a cursor, which holds no more than a weak reference; None if closed."""
    # No public name leads there; the second one was that of the C extension up to 8.4.
    connection = getattr(cursor, "_connection", None)
    if connection is None:
        connection = getattr(cursor, "_cnx", None)
    return None if connection is None else connection.get_self()


MYSQL_CONNECTOR = Driver("mysql.connector", "mysql", open_cursor, in_transaction)
