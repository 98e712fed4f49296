"""Translate sqlite3's errors by result code, never by text."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from outbox.backends.wrapping import underneath
from outbox.errors import ConnectionLost, Contention, DatabaseError, ReadOnlyServer

# Primary result codes; extended ones carry theirs in the low byte (BUSY_SNAPSHOT is 517).
# The constants of the module exist only from Python 3.11 on.
BUSY, LOCKED, READONLY, IOERR, CANTOPEN, PROTOCOL, SCHEMA, CONSTRAINT = 5, 6, 8, 10, 14, 15, 17, 19

MEANING: dict[int, type[DatabaseError]] = {
    BUSY: Contention,
    LOCKED: Contention,
    PROTOCOL: Contention,
    SCHEMA: Contention,
    READONLY: ReadOnlyServer,
    IOERR: ConnectionLost,
    CANTOPEN: ConnectionLost,
}

# Python 3.10 hides the code. SQLite's texts for codes are fixed and come from one table in it,
# so there, and only there, the text up to a colon stands for the code.
TEXTS = {
    "database is locked": BUSY,
    "database table is locked": LOCKED,
    "database schema is locked": LOCKED,
    "attempt to write a readonly database": READONLY,
    "disk I/O error": IOERR,
    "unable to open database file": CANTOPEN,
    "locking protocol": PROTOCOL,
    "database schema has changed": SCHEMA,
}


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 when the error is the driver's own."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return TEXTS.get(str(error).partition(":")[0], 0)
    return int(code) & 0xFF


def translate(error: sqlite3.Error) -> DatabaseError:
    """Return the library's error for ``error``."""
    kind = MEANING.get(primary_code(error), DatabaseError)
    return kind(f"SQLite: {' '.join(str(error).split())[:500]}")


def is_contention(error: BaseException) -> bool:
    """Tell whether this is a busy database, also as SQLAlchemy and Django wrap it."""
    original = underneath(error)
    return isinstance(original, sqlite3.Error) and isinstance(translate(original), Contention)


@contextmanager
def translated() -> Iterator[None]:
    """Raise the library's errors instead of the driver's and SQLAlchemy's inside the block."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error) from error
    except exc.TimeoutError as error:
        raise ConnectionLost(f"SQLite: no connection available: {error}") from error
    except exc.DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise translate(error.orig) from error
        raise
