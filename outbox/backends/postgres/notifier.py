"""NOTIFY on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus

from outbox.backends.postgres.database import Database
from outbox.backends.postgres.readable import wait_readable
from outbox.backends.postgres.sources import PgConnection
from outbox.clock import monotonic
from outbox.errors import ConnectionLost, DatabaseError

PATIENCE = 1.0
"""Seconds that a wake-up waits for the one before it to be answered."""


class PostgresNotifier:
    """Sends wake-ups; thread-safe, one at a time.

    Not on the pool's connections: a commit hook calls it while the committing connection is still out,
    and a pool of one would wait for itself. The connection is opened at the first use, and a broken
    one is replaced at the next.
    """

    def __init__(self, db: Database, channel: str) -> None:
        self._db = db
        self._channel = channel
        self._lock = threading.Lock()
        self._conn: PgConnection | None = None

    def send(self, payload: str) -> None:
        """Notify the listeners; 1 round trip. Raises `DatabaseError`."""
        with self._connection() as conn:
            self._post(conn, payload)
            settle(conn)

    def post(self, payload: str) -> None:
        """Notify the listeners, without waiting for the answer: the producer has other things to do.

        The next one takes it, so there is never more than one under way, and what went wrong with one
        is raised by the next: `DatabaseError`. A connection that was cut while it was idle is replaced.
        """
        may_be_cut = self._conn is not None
        try:
            self._post_once(payload)
        except ConnectionLost:
            if not may_be_cut:
                raise
            self._post_once(payload)

    def close(self) -> None:
        """Close the connection, after the last wake-up was answered."""
        with self._lock:
            if self._conn is not None:
                with suppress(psycopg.Error, DatabaseError):
                    settle(self._conn)
            self._close()

    def _post_once(self, payload: str) -> None:
        with self._connection() as conn:
            self._post(conn, payload)

    def _post(self, conn: PgConnection, payload: str) -> None:
        settle(conn)
        if wait_readable(0.0, conn.pgconn.socket):
            # What a server says unasked is mostly that it has ended the connection; then this raises.
            conn.pgconn.consume_input()
        statement = self._db.catalog["notify"].pyformat
        text = psycopg.ClientCursor(conn).mogrify(statement, {"channel": self._channel, "payload": payload})
        conn.pgconn.send_query(text.encode())

    @contextmanager
    def _connection(self) -> Iterator[PgConnection]:
        with self._lock, self._db.translated():
            if self._conn is None or self._conn.closed:
                self._conn = self._db.source.dedicated()
            try:
                yield self._conn
            except BaseException:
                self._close()
                raise

    def _close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()


def settle(conn: PgConnection) -> None:
    """Take the answer that is outstanding, if any; raises `DatabaseError` and psycopg's errors."""
    wire = conn.pgconn
    if wire.transaction_status != TransactionStatus.ACTIVE:
        return
    deadline = monotonic() + PATIENCE
    while wire.is_busy():
        if not wait_readable(max(deadline - monotonic(), 0.0), wire.socket):
            msg = f"PostgreSQL: a NOTIFY was not answered within {PATIENCE:g} s"
            raise DatabaseError(msg)
        wire.consume_input()
    while (result := wire.get_result()) is not None:
        if result.status == ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(result)
