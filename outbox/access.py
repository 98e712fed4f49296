"""Run statements on the user's connection, in the user's transaction, or on one of the outbox's own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from outbox.backends.protocol import Backend
from outbox.backends.retry import retry_contention
from outbox.connections.adapt import adapt
from outbox.connections.connection import ProducerConnection
from outbox.errors import TransactionRequired
from outbox.statements import Catalog

S = TypeVar("S")
T = TypeVar("T")


class Access(Generic[S]):
    """Lends work a store: the statements of one file on a connection. Thread-safe.

    On the caller's connection it begins, commits and repeats nothing, and the driver's errors pass
    unchanged. On its own it repeats a transaction that lost a race for a lock, at a stop not for long, and
    raises the library's errors.
    """

    def __init__(self, backend: Backend, store: Callable[[ProducerConnection, Catalog], S]) -> None:
        self.waiting = backend.waiting
        self._backend = backend
        self._store = store

    def read(self, conn: object | None, work: Callable[[S], T]) -> T:
        """Run work that changes nothing; outside of any transaction unless the caller has one."""
        if conn is not None:
            return work(self._store(*self._adapted(conn)))
        return self._on_own(self._backend.reading, work)

    def write(self, conn: object | None, work: Callable[[S], T]) -> T:
        """Run work in one transaction; raises `TransactionRequired` if the caller has none open."""
        if conn is None:
            return self._on_own(self._backend.writing, work)
        connection, catalog = self._adapted(conn)
        if not connection.in_transaction():
            raise TransactionRequired(connection.kind, "the change", "leave conn out")
        return work(self._store(connection, catalog))

    def on_commit(self, conn: object, callback: Callable[[], object]) -> bool:
        """Call back after the caller's commit; False if its connection cannot tell."""
        return self._adapted(conn)[0].on_commit(callback)

    @retry_contention
    def _on_own(self, lend: Callable[[], AbstractContextManager[Any]], work: Callable[[S], T]) -> T:
        with lend() as conn:
            return work(self._store(*self._adapted(conn)))

    def _adapted(self, conn: object) -> tuple[ProducerConnection, Catalog]:
        catalog = self._backend.catalog
        return adapt(conn, catalog.backend), catalog
