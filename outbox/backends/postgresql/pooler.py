"""Whether a pooler such as pgbouncer stands between us and the server, and what follows from it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from outbox.unwrapping import innermost

log = logging.getLogger("outbox.backends.postgresql")

# What poolers that balance reads look for, pgpool-II among them: a standby may lag behind, and what is read
# here decides what is done next.
ON_PRIMARY = "/*NO LOAD BALANCE*/ "


class Pooler:
    """Remembers whether one was met. Thread-safe.

    Recognised by its own word for the session: what the client was told as the number of its server process
    is the pooler's, and not that of the process which answers. In transaction mode the next statement may
    reach another process. There a prepared statement is another client's, a setting reaches strangers, and a
    LISTEN hears nothing: none of them is used any more, which is right in session mode, too.
    """

    def __init__(self) -> None:
        self.found = False
        self._lock = threading.Lock()

    def compare(self, conn: psycopg.Connection[Any], answered_by: int) -> bool:
        """Take in which process answered on a connection; return whether a pooler is in between."""
        if innermost(conn, psycopg.Connection).info.backend_pid == answered_by:
            return False
        with self._lock:
            first, self.found = not self.found, True
        if first:
            log.info(
                "connections go through a pooler: prepared statements and LISTEN are not used, settings are "
                "sent with each transaction",
                extra={"event": "outbox.pooler_found"},
            )
        return True

    @contextmanager
    def unprepared(self, conn: psycopg.Connection[Any]) -> Iterator[None]:
        """Keep the driver from preparing statements during the block, if there is a pooler."""
        if not self.found:
            yield
            return
        conn = innermost(conn, psycopg.Connection)
        threshold, conn.prepare_threshold = conn.prepare_threshold, None
        try:
            yield
        finally:
            conn.prepare_threshold = threshold
