"""Who the tables are: kept in memory, read again when it may have changed."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from outbox.access import Access
from outbox.backends.protocol import Backend
from outbox.connections.connection import ProducerConnection
from outbox.errors import DatabaseError, ReadOnlyServer
from outbox.statements import Catalog, Rows
from outbox.statements.dialect import decode_text
from outbox.values.identity import Identity

log = logging.getLogger("outbox.installation")


class Found(NamedTuple):
    """The row of ``installation`` and the ends of the older epochs."""

    identity: Identity
    history: str | None
    revision: int


class Store:
    """The statements about the installation, in whatever transaction is open on the connection."""

    def __init__(self, connection: ProducerConnection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog

    def read(self) -> Found | None:
        """Return what is stored; None when the row is missing."""
        return self._found("read_installation")

    def history(self) -> str | None:
        """Return how the server calls the past of its data, None where servers have no word for it."""
        if "server_history" not in self._catalog:
            return None
        return str(decode_text(self._run("server_history").value()))

    def settle(self, history: str | None, *, raised: bool) -> Found:
        """Make the row if it is missing; begin an epoch if wanted, or if the server has another past."""
        self._run("create_installation")
        found = self._found("lock_installation")
        assert found is not None
        known = found.history
        if raised or (known is not None and history is not None and known != history):
            epoch = found.identity.epoch + 1
            self._run("end_epoch", epoch=epoch)
            self._run("begin_epoch", epoch=epoch, history=history or known)
        elif known is None and history is not None:
            self._run("begin_epoch", epoch=found.identity.epoch, history=history)
        after = self.read()
        assert after is not None
        return after

    def _found(self, statement: str) -> Found | None:
        rows = self._run(statement).named()
        if not rows:
            return None
        [row] = rows
        ends: dict[int, dict[int, int]] = {}
        for end in self._run("read_epochs").named():
            ends.setdefault(int(end.epoch), {})[int(end.partition_id)] = int(end.last_number)
        identity = Identity(str(decode_text(row.installation)), int(row.epoch), ends)
        return Found(identity, decode_text(row.history), int(row.revision))

    def _run(self, statement: str, **parameters: Any) -> Rows:
        return self._connection.query(self._catalog[statement], parameters)


class Installation:
    """Names messages as `Identity` does, by what the tables say. Thread-safe.

    Reads them at the first question, and when told to `refresh`: after a connection was lost, and when
    a poll has seen another revision.
    """

    def __init__(self, backend: Backend) -> None:
        self._access = Access(backend, Store)
        self._lock = threading.Lock()
        self._found: Found | None = None
        self._losses = backend.waiting.losses

    @property
    def identity(self) -> Identity:
        """Who the tables are."""
        found = self._found
        return (found or self.refresh()).identity

    def uid(self, message_id: int, created_at: datetime) -> str:
        """Return the name of a message; see `Identity.uid`."""
        return self.identity.uid(message_id, created_at)

    def source(self, partition_id: int, seq: int) -> str:
        """Return where a number comes from; see `Identity.source`."""
        return self.identity.source(partition_id, seq)

    def verify(self) -> None:
        """Read the tables again if a connection was lost since: the server may be another one."""
        if self._losses != self._access.waiting.losses:
            self.refresh()

    def compare(self, revision: int | None) -> None:
        """Read the tables again if they have another revision than when they were read."""
        if revision is not None and self._found is not None and revision != self._found.revision:
            self.refresh()

    def refresh(self) -> Found:
        """Read the tables; begin an epoch when the server's past is another one than it was."""
        with self._lock:
            losses = self._access.waiting.losses
            found = self._access.read(None, Store.read)
            history = self._history()
            if found is None or (history is not None and history != found.history):
                found = self._settle(history, found)
            self._found, self._losses = found, losses
            return found

    def new_epoch(self) -> Identity:
        """Begin an epoch: numbers that were given out are not trusted to be the last ones."""
        with self._lock:
            settle = partial(Store.settle, history=self._history(), raised=True)
            self._found = self._access.write(None, settle)
            return self._found.identity

    def _settle(self, history: str | None, before: Found | None) -> Found:
        try:
            found = self._access.write(None, partial(Store.settle, history=history, raised=False))
        except ReadOnlyServer:
            if before is None:
                raise
            return before
        if before is not None and found.identity.epoch > before.identity.epoch:
            log.warning(
                "the server's data have another past than before (%s, was %s): a standby took over, or they "
                "were restored; numbers may come again, so epoch %d begins",
                history,
                before.history,
                found.identity.epoch,
                extra={"event": "outbox.epoch_began", "epoch": found.identity.epoch},
            )
        return found

    def _history(self) -> str | None:
        try:
            return self._access.read(None, Store.history)
        except DatabaseError:
            # Some services do not tell; then only `outbox schema new-epoch` begins an epoch.
            log.debug("the server does not tell its history", exc_info=True)
            return None
