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
        return (
            retry_contention(self._own)(self._backend.reading, work) if conn is None else self._on(conn, work)
        )

    def write(self, conn: object, work: Callable[[Store], T]) -> T:
        """Run work in one transaction; raises `TransactionRequired` if the caller has none open."""
        if conn is None:
            return retry_contention(self._own)(self._backend.writing, work)
        connection = adapt(conn, self._backend.catalog.backend)
        if not connection.in_transaction():
            raise TransactionRequired(connection.kind, "the change", "leave conn out")
        return self._on(conn, work)

    def _own(self, lend: Callable[[], AbstractContextManager[Any]], work: Callable[[Store], T]) -> T:
        with lend() as conn:
            return self._on(conn, work)

    def _on(self, conn: object, work: Callable[[Store], T]) -> T:
        catalog = self._backend.catalog
        return work(Store(adapt(conn, catalog.backend), catalog))
