"""What sessions have to be set to, so that statements mean and cost what they should; see `own_session`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import psycopg
from psycopg import IsolationLevel
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow, tuple_row

from outbox.backends.postgresql.pooler import Pooler
from outbox.errors import ConfigurationError
from outbox.runtime import sockets
from outbox.statements import Catalog
from outbox.unwrapping import innermost

PgConnection: TypeAlias = "psycopg.Connection[Any]"

# Our side of what `own_session` asks of the server: a dead peer is noticed after 10 + 3 * 5 seconds, below
# the default lease of 30; data that it does not confirm, after as long. The kernel by itself takes hours.
KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

# Seconds; libpq by itself would wait for a mute server for minutes.
CONNECT_TIMEOUT = 10


def connect_timeout(conninfo: str, *, option: str = "target") -> dict[str, Any]:
    """Return the option that bounds the wait for a mute server, unless the user has bounded it."""
    try:
        options = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError as error:
        # What follows the colon may be a part of the password.
        raise ConfigurationError(option, conninfo, str(error).partition(":")[0]) from None
    given = str(options.get("connect_timeout", 0))
    if not given.removeprefix("-").isdigit():
        raise ConfigurationError("connect_timeout", given, "give whole seconds")
    bounded = "connect_timeout" in options or "PGCONNECT_TIMEOUT" in os.environ
    return {} if bounded else {"connect_timeout": CONNECT_TIMEOUT}


def keepalives(conninfo: str) -> dict[str, Any]:
    """Return libpq's options that notice a dead server, but for those that the user has set."""
    given = conninfo_to_dict(conninfo)
    return {name: value for name, value in KEEPALIVES.items() if name not in given}


def own_session(catalog: Catalog, pooler: Pooler) -> Callable[[PgConnection], None]:
    """Return what sets a new connection of our own up, unless it leads to a pooler; 2 round trips."""
    question, text = catalog["answered_by"].compact, catalog["own_session"].compact

    def configure(conn: PgConnection) -> None:
        sockets.keep(conn.fileno())
        row = plain_cursor(conn).execute(question, prepare=False).fetchone()
        assert row is not None
        if not pooler.compare(conn, row[0]):
            plain_cursor(conn).execute(text, prepare=False)

    return configure


def plain_cursor(conn: PgConnection) -> psycopg.Cursor[TupleRow]:
    """Return a cursor that gives rows as they are, whatever the connection's user has set."""
    return psycopg.Cursor(conn, row_factory=tuple_row)


class OddSessions:
    """The user's connections on which our statements need a transaction set up for them. Thread-safe."""

    def __init__(self, catalog: Catalog, pooler: Pooler) -> None:
        self._pooler = pooler
        self._question = catalog["odd_session"].compact
        self._settings = catalog["own_transaction"].compact
        self._lock = threading.Lock()
        self._known: WeakKeyDictionary[PgConnection, bool] = WeakKeyDictionary()

    def is_odd(self, conn: PgConnection) -> bool:
        """Tell whether a connection in autocommit is one; asks once, 1 round trip."""
        conn = innermost(conn, psycopg.Connection)
        with self._lock:
            known = self._known.get(conn)
        if known is None:
            row = plain_cursor(conn).execute(self._question, prepare=False).fetchone()
            assert row is not None
            self._pooler.compare(conn, row[1])
            known = row[0] > 0
            with self._lock:
                self._known[conn] = known
        return known

    @contextmanager
    def transaction(self, conn: PgConnection) -> Iterator[None]:
        """Run the block in a transaction that is READ COMMITTED, set up where the session is odd."""
        conn = innermost(conn, psycopg.Connection)
        odd, level = self.is_odd(conn), conn.isolation_level
        # Goes along with BEGIN.
        conn.isolation_level = IsolationLevel.READ_COMMITTED
        try:
            with conn.transaction():
                if odd:
                    self.prepare(conn)
                yield
        finally:
            if not conn.closed:
                conn.isolation_level = level

    def prepare(self, conn: PgConnection) -> None:
        """Set an open transaction up; 1 round trip."""
        plain_cursor(innermost(conn, psycopg.Connection)).execute(self._settings, prepare=False)
