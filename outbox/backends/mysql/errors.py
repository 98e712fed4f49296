"""Translate the driver's errors by number, never by text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from outbox.backends.wrapping import underneath
from outbox.errors import (
    ConnectionLost,
    Contention,
    DatabaseError,
    PermissionRefused,
    ReadOnlyServer,
    StatementTimeout,
)

# The servers' numbers, the same in MySQL and MariaDB unless said.
NO_SUCH_TABLE = 1146
NO_SUCH_SAVEPOINT = 1305

CONTENTION = frozenset(
    {
        1020,  # MariaDB: record has changed since last read
        1205,  # lock wait timeout: rolls back the statement only, so ours rolls back the rest
        1213,  # deadlock, also a cluster's certification failure
        3101,  # group replication rolled the commit back
        3572,  # NOWAIT
    }
)
READ_ONLY = frozenset(
    {
        1290,  # --read-only and its relatives
        1792,  # read-only transaction
        1836,  # read-only mode
        1874,  # InnoDB is read-only
    }
)
REFUSED = frozenset(
    {
        1044,  # on the database
        1142,  # on the table
        1143,  # on the column
        1227,  # a right that concerns the whole server
    }
)
TIMED_OUT = frozenset(
    {
        1969,  # MariaDB: max_statement_time
        3024,  # MySQL: max_execution_time
    }
)
# The same statement may work on another connection, later.
LOST = frozenset(
    {
        1040,  # too many connections
        1042,  # unknown host
        1047,  # cluster node not ready
        1053,  # server shutdown in progress
        1152,  # aborted connection
        1158,  # read error
        1159,  # read timeout
        1160,  # write error
        1161,  # write timeout
        1180,  # error during commit: whether it took effect is unknown
        1184,  # aborted connection
        1203,  # too many connections of this user
        1317,  # query interrupted, also at shutdown
        1927,  # MariaDB: connection was killed
        2002,  # cannot connect through the socket
        2003,  # cannot connect to the host
        2004,  # cannot make a socket
        2005,  # unknown host
        2006,  # server has gone away
        2012,  # error in the handshake
        2013,  # connection lost during a query
        2014,  # commands out of sync: an interrupted statement left the connection useless
        2026,  # TLS failed
        2027,  # malformed packet
        2048,  # invalid connection handle
        2055,  # connection lost
        3168,  # server not available
        3169,  # session was killed
        4031,  # disconnected by the server for inactivity
    }
)
# The drivers whose errors these are: our own, and those of connections that are given to us.
DRIVERS = ("mysql.connector", "_mysql_connector", "MySQLdb", "pymysql")
# What the driver raises without a number when it finds the connection closed.
UNNUMBERED_LOST = frozenset({"InterfaceError", "OperationalError", "MySQLInterfaceError"})

KINDS: dict[int, type[DatabaseError]] = {
    **dict.fromkeys(CONTENTION, Contention),
    **dict.fromkeys(READ_ONLY, ReadOnlyServer),
    **dict.fromkeys(TIMED_OUT, StatementTimeout),
    **dict.fromkeys(REFUSED, PermissionRefused),
    **dict.fromkeys(LOST, ConnectionLost),
}


ADVICE: dict[type[DatabaseError], str] = {
    PermissionRefused: "; `outbox schema grants` prints what each role needs",
    ReadOnlyServer: "; connect to the primary server",
}
"""What to do, for errors whose own words do not say it."""


def translate(error: Exception) -> DatabaseError | None:
    """Return the library's error for a driver's one, bare or wrapped by SQLAlchemy or Django; else None."""
    original = underneath(error)
    if not type(original).__module__.startswith(DRIVERS):
        return None
    kind = kind_of(original)
    return kind(f"MySQL: {' '.join(str(original).split())[:500]}{ADVICE.get(kind, '')}")


def kind_of(error: BaseException) -> type[DatabaseError]:
    """Return the class that tells what to do about a driver's error."""
    number = number_of(error)
    if known := KINDS.get(number):
        return known
    if number <= 0 and type(error).__name__ in UNNUMBERED_LOST:
        return ConnectionLost
    return DatabaseError


def number_of(error: BaseException | None) -> int:
    """Return the server's or driver's error number, or -1."""
    number = getattr(error, "errno", None)
    if number is None and error is not None and error.args:
        number = error.args[0]
    return number if isinstance(number, int) else -1


def is_contention(error: BaseException) -> bool:
    """Tell whether this is a deadlock or the like, also as SQLAlchemy and Django wrap it."""
    return isinstance(error, Exception) and isinstance(translate(error), Contention)


@contextmanager
def translated() -> Iterator[None]:
    """Raise the library's errors instead of the driver's inside the block."""
    try:
        yield
    except Exception as error:
        mine = translate(error)
        if mine is None:
            raise
        raise mine from error
