"""Make the rows of deduplication keys before they are claimed, on a connection apart, where that matters."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from outbox.access import Access
from outbox.backends.protocol import Backend
from outbox.connections.connection import ProducerConnection
from outbox.enqueue.once import Written, claims, write_once
from outbox.enqueue.prepared_message import PreparedMessage
from outbox.enqueue.write import write
from outbox.errors import DatabaseError
from outbox.statements import Catalog

log = logging.getLogger("outbox.enqueue")


class _Keys:
    def __init__(self, connection: ProducerConnection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog

    def reserve(self, queue: str, messages: Sequence[PreparedMessage]) -> None:
        self._connection.execute(self._catalog["reserve_keys"], claims(self._catalog, queue, messages))


class Reservations:
    """Says nothing to a database that has no such statement. Thread-safe; connects at the first key."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._own: Backend | None = None

    def write(
        self,
        connection: ProducerConnection,
        catalog: Catalog,
        queue: str,
        messages: Sequence[PreparedMessage],
    ) -> Written:
        """Write messages on the caller's connection, those with a deduplication key once."""
        if all(message.dedup_key is None for message in messages):
            ids = write(connection, catalog, messages)
            return Written(ids, messages, ids)
        self.make(queue, messages)
        return write_once(connection, catalog, queue, messages)

    def make(self, queue: str, messages: Sequence[PreparedMessage]) -> None:
        """Let every key have a row. Never raises for a server that is away: a claim works without, too."""
        if "reserve_keys" not in self._backend.catalog:
            return
        keyed = {message.dedup_key: message for message in messages if message.dedup_key is not None}
        wanted = [message for _, message in sorted(keyed.items(), key=lambda item: str(item[0]))]
        try:
            Access(self._dedicated(), _Keys).write(None, lambda keys: keys.reserve(queue, wanted))
        except DatabaseError:
            log.debug("deduplication keys could not be reserved", exc_info=True)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._own is not None:
                self._own.close()
                self._own = None

    def _dedicated(self) -> Backend:
        # Not from the pool: the one that enqueues may hold the last connection of it.
        with self._lock:
            if self._own is None:
                self._own = self._backend.dedicated()
            return self._own
