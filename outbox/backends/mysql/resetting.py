"""Make a connection of our own as good as new after code of a user's had it."""

from __future__ import annotations

import logging
from typing import Any

from outbox.backends.mysql.session import Session, plain

log = logging.getLogger("outbox.backends.mysql")

# What the driver's connection remembers of its user's wishes: it would send some of it again after a reset.
SETTINGS = (
    "_autocommit",
    "_buffered",
    "_charset_id",
    "_consume_results",
    "_converter_class",
    "_get_warnings",
    "_raise_on_warnings",
    "_raw",
    "_sql_mode",
    "_time_zone",
    "_use_unicode",
)


def driver_settings(connection: Any) -> tuple[Any, ...]:
    """Return what a connection's user may set on the driver's side; asks nothing."""
    real = plain(connection)
    return tuple(getattr(real, name, None) for name in SETTINGS)


def reset(session: Session, database: str, before: tuple[Any, ...]) -> bool:
    """Reset a session that has no transaction open; False when it must be thrown away.

    The server's own command gives back locks, temporary tables, variables, settings and prepared
    statements, of which SQL can name only some; it leaves the database that was chosen. With what the
    driver sends after it, five round trips, 0.3 to 0.5 ms in all: a fifth of opening another connection.
    """
    if driver_settings(session.connection) != before:
        return False
    try:
        if not session.connection.cmd_reset_connection():
            return False
        session.connection.cmd_init_db(database)
        session.command("own_session")
    except Exception:
        log.debug("the session could not be reset, its connection is discarded", exc_info=True)
        return False
    return True
