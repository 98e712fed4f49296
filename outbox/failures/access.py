"""The connection and the transaction in which the statements run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from outbox.backends.protocol import Backend
from outbox.backends.retry import retry_contention
from outbox.errors import TransactionRequired
from outbox.failures.store import Store
from outbox.producers.adapt import adapt

T = TypeVar("T")


class Access:
    """Runs work on the caller's connection, or on one of the backend's own. Thread-safe.

    On the caller's it begins, commits and repeats nothing, and the driver's errors pass unchanged. On its
    own it repeats a transaction that lost a race for a lock, and raises the library's errors.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def read(self, conn: object, work: Callable[[Store], T]) -> T:
        """Run work that changes nothing; without a connection outside of any transaction."""
        if conn is not None:
            return on(self._backend, conn, work)
        return on_own(self._backend, self._backend.reading, work)

    def write(self, conn: object, work: Callable[[Store], T]) -> T:
        """Run work in one transaction; raises `TransactionRequired` if the caller has none open."""
        if conn is None:
            return on_own(self._backend, self._backend.writing, work)
        connection = adapt(conn, self._backend.catalog.backend)
        if not connection.in_transaction():
            raise TransactionRequired(connection.kind, "the change", "leave conn out")
        return on(self._backend, conn, work)


@retry_contention
def on_own(
    backend: Backend, lend: Callable[[], AbstractContextManager[Any]], work: Callable[[Store], T]
) -> T:
    """Run work on a connection that the backend lends; again when it lost a race, at a stop not for long."""
    with lend() as conn:
        return on(backend, conn, work)


def on(backend: Backend, conn: object, work: Callable[[Store], T]) -> T:
    """Run work on a connection in hand."""
    catalog = backend.catalog
    return work(Store(adapt(conn, catalog.backend), catalog))
