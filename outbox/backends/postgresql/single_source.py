"""One connection apart from every pool."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from outbox.backends.postgresql.sources import PgConnection
from outbox.backends.waiting import Waiting


class SingleSource:
    """See `outbox.backends.postgresql.sources.Source`; whoever comes second waits for the first.

    The connection is opened at the first use. After any error it is closed, and the next use opens
    another one.
    """

    def __init__(self, connect: Callable[[], PgConnection], waiting: Waiting) -> None:
        self.waiting = waiting
        self._connect = connect
        self._lock = threading.Lock()
        self._conn: PgConnection | None = None

    @contextmanager
    def autocommit(self) -> Iterator[PgConnection]:
        with self._lock:
            if self._conn is None or self._conn.closed:
                self._conn = self._connect()
            try:
                yield self._conn
            except BaseException:
                self._close()
                raise

    @contextmanager
    def transaction(self) -> Iterator[tuple[PgConnection, Any]]:
        with self.autocommit() as conn, conn.transaction():
            yield conn, conn

    def dedicated(self) -> PgConnection:
        return self._connect()

    def recheck(self) -> None:
        """There is no other connection to look at."""

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()
