"""NOTIFY on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus

from outbox.backends.postgresql.idleness import wait_readable
from outbox.backends.postgresql.session import Database
from outbox.backends.postgresql.sources import PgConnection
from outbox.clock import monotonic
from outbox.errors import ConnectionLost, DatabaseError

PATIENCE = 1.0
"""Seconds that a wake-up waits for the answer to the one before it: by default a poll finds the work then."""
POSITIONS = {"channel": "$1", "payload": "$2"}
"""Of the parameters, which travel as they are: binding them in Python costs ten times the sending."""


class PostgresNotifier:
    """Sends wake-ups; thread-safe, one at a time.

    Not on the pool's connections: a commit hook calls it while the committing connection is still out,
    and a pool of one would wait for itself. The connection is opened at the first use. One that was cut
    while it was idle is replaced, and what may have been lost with it is sent again.
    """

    def __init__(self, db: Database, channel: str) -> None:
        self._db = db
        self._statement = (db.catalog["notify"].pyformat % POSITIONS).encode()
        self._channel = channel.encode()
        self._lock = threading.Lock()
        self._conn: PgConnection | None = None
        self._unanswered: str | None = None
        self._closed = False

    def send(self, payload: str) -> None:
        """Notify the listeners; 1 round trip. Raises `DatabaseError`."""
        with self._lock:
            self._deliver(payload)
            if self._conn is not None:
                with self._connection() as conn:
                    self._settle(conn)

    def post(self, payload: str) -> None:
        """Notify the listeners, without waiting for the answer: the producer has other things to do.

        The next one takes it, so there is never more than one under way, and what went wrong with one
        is raised by the next: `DatabaseError`.
        """
        with self._lock:
            self._deliver(payload)

    def close(self) -> None:
        """Close the connection, after the last wake-up was answered. What comes later is not sent."""
        with self._lock:
            self._closed = True
            if self._conn is not None:
                with suppress(psycopg.Error, DatabaseError):
                    settle(self._conn)
            self._close()

    def _deliver(self, payload: str) -> None:
        # A commit hook may come late.
        if self._closed:
            return
        may_be_cut = self._conn is not None
        try:
            self._write(payload)
        except ConnectionLost:
            if not may_be_cut:
                raise
            lost, self._unanswered = self._unanswered, None
            if lost is not None and lost != payload:
                self._write(lost)
            self._write(payload)

    def _write(self, payload: str) -> None:
        with self._connection() as conn:
            self._settle(conn)
            # What a server says unasked is mostly that it has ended the connection, which the first bytes
            # of it need not tell: the answer does.
            spoken = wait_readable(0.0, conn.pgconn.socket)
            conn.pgconn.send_query_params(self._statement, [self._channel, payload.encode()])
            self._unanswered = payload
            if spoken:
                self._settle(conn)

    def _settle(self, conn: PgConnection) -> None:
        settle(conn)
        self._unanswered = None

    @contextmanager
    def _connection(self) -> Iterator[PgConnection]:
        with self._db.translated():
            if self._conn is None or self._conn.closed:
                self._conn = self._db.source.connect()
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
