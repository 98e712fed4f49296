"""Run statements on the user's connection, in the user's transaction, or on one of the outbox's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Generic, TypeVar

from outbox.backends.protocol import Sources
from outbox.backends.retry import retry_contention
from outbox.connections.adapt import adapt
from outbox.connections.connection import ProducerConnection
from outbox.enqueue.place import RightPlace
from outbox.errors import TransactionRequired
from outbox.statements import Catalog

S = TypeVar("S")
T = TypeVar("T")


def right_place(backend: Sources) -> RightPlace:
    """Read where a backend's own tables are; 1 or 2 statements on a connection of its own."""

    @contextmanager
    def own() -> Iterator[ProducerConnection]:
        with backend.reading() as conn:
            yield adapt(conn)

    return RightPlace(backend.catalog, backend.naming, own)


class Access(Generic[S]):
    """Runs work on a store: the statements of one file, on one connection. Thread-safe.

    On the caller's connection it begins, commits and repeats nothing, and the driver's errors pass
    unchanged. On its own it repeats a transaction that lost a race for a lock, only briefly once the workers
    are to stop, and raises the library's errors.
    """

    def __init__(
        self,
        backend: Sources,
        store: Callable[[ProducerConnection, Catalog], S],
        place: RightPlace | None = None,
    ) -> None:
        """With ``place`` a caller's connection that leads elsewhere is refused."""
        self.waiting = backend.waiting
        self._backend = backend
        self._catalog = backend.catalog
        self._store = store
        self._place = place

    def read(self, conn: object | None, work: Callable[[S], T]) -> T:
        """Run work that changes nothing; outside of any transaction unless the caller has one."""
        if conn is None:
            return self._on_own(self._backend.reading, work)
        return self._on_given(self._adapted(conn), work)

    def write(self, conn: object | None, work: Callable[[S], T]) -> T:
        """Run work in one transaction; raises `TransactionRequired` if the caller has none open."""
        if conn is None:
            return self._on_own(self._backend.writing, work)
        connection = self._adapted(conn)
        if not connection.in_transaction():
            raise TransactionRequired(connection.kind, "the change", "leave conn out")
        return self._on_given(connection, work)

    def on_commit(self, conn: object, callback: Callable[[], object]) -> bool:
        """Call back after the caller's commit; False if its connection cannot tell."""
        return self._adapted(conn).on_commit(callback)

    @retry_contention
    def _on_own(self, acquire: Callable[[], AbstractContextManager[Any]], work: Callable[[S], T]) -> T:
        with acquire() as conn:
            return work(self._store(adapt(conn), self._catalog))

    def _on_given(self, connection: ProducerConnection, work: Callable[[S], T]) -> T:
        catalog = self._place.catalog(connection) if self._place else self._catalog
        return work(self._store(connection, catalog))

    def _adapted(self, conn: object) -> ProducerConnection:
        return adapt(conn, self._catalog.backend)
