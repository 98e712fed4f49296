"""psycopg2."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from outbox.connections.driver import Driver


def open_cursor(connection: Any) -> Any:
    """Return a plain cursor, whatever the connection's cursor factory is."""
    return connection.cursor(cursor_factory=import_module("psycopg2.extensions").cursor)


def in_transaction(connection: Any) -> bool:
    """Tell whether autocommit is off or a transaction is open; a failed one is open too."""
    if not connection.autocommit:
        return True
    extensions = import_module("psycopg2.extensions")
    return connection.get_transaction_status() in {
        extensions.TRANSACTION_STATUS_INTRANS,
        extensions.TRANSACTION_STATUS_INERROR,
    }


PSYCOPG2 = Driver("psycopg2", "postgresql", open_cursor, in_transaction)
