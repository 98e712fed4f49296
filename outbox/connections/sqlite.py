"""sqlite3."""

from __future__ import annotations

from typing import Any

from outbox.connections.driver import Driver

FEWEST_PARAMETERS = 999  # what every build of SQLite takes; releases take 32 766 since 3.32


def open_cursor(connection: Any) -> Any:
    """Return a plain cursor."""
    import sqlite3

    # Not connection.cursor(): it hands the connection's row factory on.
    return sqlite3.Cursor(connection)


def in_transaction(connection: Any) -> bool:
    """Tell whether a transaction is open or would be opened before an INSERT.

    Python 3.12 added ``autocommit``: False keeps one open, True opens none, and the default leaves it
    to ``isolation_level``, which opens one unless it is None.
    """
    if connection.in_transaction:
        return True
    autocommit = getattr(connection, "autocommit", None)
    if isinstance(autocommit, bool):
        return not autocommit
    return connection.isolation_level is not None


def most_parameters(connection: Any) -> int:
    """Return how many parameters a statement may have: a build and a connection can lower the limit.

    Python 3.10 cannot ask, so the least is assumed there.
    """
    import sqlite3

    if not issubclass(type(connection), sqlite3.Connection):  # aiosqlite's, which would have to be awaited
        return FEWEST_PARAMETERS
    category = getattr(sqlite3, "SQLITE_LIMIT_VARIABLE_NUMBER", None)
    return FEWEST_PARAMETERS if category is None else int(connection.getlimit(category))


SQLITE = Driver("sqlite3", "sqlite", open_cursor, in_transaction, named=True)
