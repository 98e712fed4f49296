"""Make a connection of our own as good as new after code of a user's had it."""

from __future__ import annotations

import logging
from typing import Any, TypeAlias

import psycopg

from outbox.backends.postgresql.settings import plain_cursor
from outbox.statements import Catalog
from outbox.unwrapping import innermost

log = logging.getLogger("outbox.backends.postgres")

PgConnection: TypeAlias = "psycopg.Connection[Any]"

# What the driver's connection lets its user set.
SETTINGS = (
    "autocommit",
    "isolation_level",
    "read_only",
    "deferrable",
    "row_factory",
    "cursor_factory",
    "server_cursor_factory",
    "prepare_threshold",
    "prepared_max",
)
# Where the driver keeps its user's callbacks, of which it has no public list.
CALLBACKS = ("_notice_handlers", "_notify_handlers")
# Its user's dumpers and loaders; the driver makes it anew when there is none.
ADAPTERS = "_adapters"


class Resetting:
    """Resets sessions; closes a connection where that does not help. Thread-safe.

    One round trip of about 0.3 ms for each transaction of the user's; another connection takes 15. It is a
    message of its own: in one with the COMMIT an error would not tell whether the commit is done.
    """

    def __init__(self, catalog: Catalog) -> None:
        names = ("reset_session", "own_session", "left_prepared")
        self._script = " ".join(f"{catalog[name].compact.rstrip('; ')};" for name in names)

    def __call__(self, given: PgConnection, before: tuple[Any, ...]) -> None:
        """Reset a connection on which no transaction is open; ``before`` is its `driver_settings` of then."""
        conn = innermost(given, psycopg.Connection)
        if conn.closed:
            return
        try:
            self._reset(conn, before)
        except psycopg.Error:
            log.debug("the session could not be reset, its connection is closed", exc_info=True)
            conn.close()

    def _reset(self, conn: PgConnection, before: tuple[Any, ...]) -> None:
        conn.rollback()
        if any(getattr(conn, name, None) for name in CALLBACKS):
            conn.close()
            return
        setattr(conn, ADAPTERS, None)
        for name, value in zip(SETTINGS, before, strict=True):
            if getattr(conn, name) != value:
                setattr(conn, name, value)
        cursor = plain_cursor(conn)
        cursor.execute(self._script, prepare=False)
        while cursor.nextset():
            pass
        [(prepared,)] = cursor.fetchall()
        if prepared:
            conn.close()


def driver_settings(given: PgConnection) -> tuple[Any, ...]:
    """Return what a connection's user may set on the driver's side."""
    conn = innermost(given, psycopg.Connection)
    return tuple(getattr(conn, name) for name in SETTINGS)
