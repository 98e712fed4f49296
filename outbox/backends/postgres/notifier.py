"""NOTIFY on a connection of its own."""

from __future__ import annotations

import threading

from outbox.backends.postgres.database import Database
from outbox.backends.postgres.sources import PgConnection


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
        """Notify the listeners; 1 statement. Raises `DatabaseError`."""
        with self._lock, self._db.translated():
            if self._conn is None or self._conn.closed:
                self._conn = self._db.source.dedicated()
            try:
                self._db.on(self._conn, "notify", channel=self._channel, payload=payload)
            except BaseException:
                self._close()
                raise

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()
