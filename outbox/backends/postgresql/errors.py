"""Translate psycopg's errors by SQLSTATE, never by text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from outbox.backends.wrapping import underneath
from outbox.errors import (
    ConnectionLost,
    Contention,
    DatabaseError,
    PermissionRefused,
    ReadOnlyServer,
    StatementTimeout,
)

CONTENTION = frozenset({"40001", "40P01", "55P03"})
READ_ONLY = frozenset({"25006"})
TIMED_OUT = frozenset({"57014"})  # statement_timeout, also an administrator who cancels
REFUSED = frozenset({"42501"})  # a missing right, also a policy of row-level security
QUEUE_FULL = "54000"  # among other program limits: too many notifications wait for a listener
# Class 08, the server's shutdown codes, the timeouts that end a session, and "too many connections": the
# same statement may work on another connection, later.
LOST = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "53300"})

ADVICE = {
    "3F000": "; create the schema first",
    "42501": "; `outbox schema grants` prints what each role needs",
    "25006": "; connect to the primary server",
}
"""What to do, for errors whose own words do not say it."""

KINDS: dict[str, type[DatabaseError]] = {
    **dict.fromkeys(CONTENTION, Contention),
    **dict.fromkeys(READ_ONLY, ReadOnlyServer),
    **dict.fromkeys(TIMED_OUT, StatementTimeout),
    **dict.fromkeys(REFUSED, PermissionRefused),
    **dict.fromkeys(LOST, ConnectionLost),
}


def of_psycopg2(error: BaseException) -> bool:
    """Tell whether it is psycopg2's, on whose connections tests may run the pipeline."""
    return type(error).__module__.startswith("psycopg2") and hasattr(error, "pgcode")


def translate(error: BaseException) -> DatabaseError:
    """Return the library's error for ``error``; the message is the server's first line."""
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
    # What follows would be our own SQL.
    said = " ".join(str(error).partition("\nLINE ")[0].split())[:500]
    text = f"PostgreSQL: {said}{ADVICE.get(state, '')}"
    if known := KINDS.get(state):
        return known(text)
    if state.startswith("08"):
        return ConnectionLost(text)
    if not state and isinstance(error, psycopg.OperationalError):
        return ConnectionLost(text)
    return DatabaseError(text)


def is_contention(error: BaseException) -> bool:
    """Tell whether this is a deadlock or the like, also as SQLAlchemy and Django wrap it."""
    original = underneath(error)
    known = isinstance(original, psycopg.Error) or of_psycopg2(original)
    return known and isinstance(translate(original), Contention)


@contextmanager
def translated() -> Iterator[None]:
    """Raise the library's errors instead of psycopg's inside the block."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error) from error
