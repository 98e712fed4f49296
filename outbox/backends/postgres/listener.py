"""LISTEN on a connection of its own."""

from __future__ import annotations

from psycopg import sql

from outbox.backends.postgres.errors import translated
from outbox.backends.postgres.sources import PgConnection


class PostgresListener:
    """See `outbox.backends.protocol.Listener`; one thread receives, any thread may close."""

    def __init__(self, conn: PgConnection, channel: str) -> None:
        self._conn = conn
        with translated():
            conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))

    def receive(self, timeout: float) -> list[str]:
        with translated():
            first = [item.payload for item in self._conn.notifies(timeout=timeout, stop_after=1)]
            if not first:
                return []
            # Drain what came along, so that a burst is one wake-up.
            return first + [item.payload for item in self._conn.notifies(timeout=0)]

    def close(self) -> None:
        self._conn.close()
