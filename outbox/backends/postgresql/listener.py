"""LISTEN on a connection of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

from outbox.backends.postgresql.errors import translated
from outbox.backends.postgresql.idleness import wait_readable
from outbox.backends.postgresql.sources import PgConnection
from outbox.backends.postgresql.wakeup_format import decode
from outbox.backends.records import Wakeup
from outbox.clock import monotonic
from outbox.errors import DatabaseError
from outbox.statements import Statement

# A notification takes milliseconds; a loaded server may take a second. Chosen, not measured.
TEST_SECONDS = 3.0


class PostgresListener:
    """See `outbox.backends.protocol.Listener`; one thread receives, any thread may interrupt."""

    def __init__(self, conn: PgConnection, listen: Statement, origin: str) -> None:
        self._conn = conn
        self._origin = origin
        self._interrupts, self._interrupter = socket.socketpair()
        self._interrupter.setblocking(False)
        try:
            with translated():
                conn.execute(listen.compact, prepare=False)
        except BaseException:
            self.close()
            raise

    def test(self, send: Callable[[str], None]) -> None:
        """Prove that what is sent arrives; raises `DatabaseError`, after closing, when it does not.

        A pooler in transaction mode lets LISTEN through and never delivers anything.
        """
        payload = f"{self._origin}|h|"
        try:
            send(payload)
            deadline = monotonic() + TEST_SECONDS
            while (left := deadline - monotonic()) > 0:
                if payload in self._payloads(left):
                    return
        except BaseException:
            self.close()
            raise
        self.close()
        msg = (
            f"PostgreSQL: a notification did not arrive within {TEST_SECONDS:g} s; "
            "is there a pooler in transaction mode, or another database at listen_url?"
        )
        raise DatabaseError(msg)

    def receive(self, timeout: float) -> list[Wakeup]:
        found = (decode(payload, own=self._origin) for payload in self._payloads(timeout))
        return [wakeup for wakeup in found if wakeup is not None]

    def interrupt(self) -> None:
        # closed, or full of interrupts already
        with suppress(OSError):
            self._interrupter.send(b"x")

    def close(self) -> None:
        self._conn.close()
        self._interrupts.close()
        self._interrupter.close()

    def _payloads(self, timeout: float) -> list[str]:
        with translated():
            # psycopg may have read notifications along with an earlier answer.
            backlog = [item.payload for item in self._conn.notifies(timeout=0)]
            if backlog:
                return backlog
            wait_readable(timeout, self._conn.fileno(), self._interrupts.fileno())
            return [item.payload for item in self._conn.notifies(timeout=0)]
