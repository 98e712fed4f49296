"""The connection and the transaction an operation runs in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from outbox.backends.protocol import Backend
from outbox.backends.retry import retry_contention
from outbox.dead_letters.store import Store
from outbox.errors import TransactionRequired
from outbox.producers.adapt import adapt

T = TypeVar("T")


class Access:
    """Runs work on the caller's connection, or on one of the outbox's own. Thread-safe.

    On the caller's it begins, commits and repeats nothing, and the driver's errors pass unchanged. On its
    own it repeats a transaction that lost a race for a lock, and raises the library's errors.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def read(self, conn: object | None, work: Callable[[Store], T]) -> T:
        """Run work that changes nothing; outside of any transaction unless the caller has one."""
        if conn is not None:
            return work(self._store(conn))
        return retry_contention(self._own_reading)(work)

    def write(self, conn: object | None, work: Callable[[Store], T]) -> T:
        """Run work in one transaction; raises `TransactionRequired` if the caller has none open."""
        if conn is None:
            return retry_contention(self._own_writing)(work)
        store = self._store(conn)
        if not store.connection.in_transaction():
            raise TransactionRequired(store.connection.kind, "the change", "leave conn out")
        return work(store)

    def on_commit(self, conn: object, callback: Callable[[], object]) -> bool:
        """Call back after the caller's commit; False if its connection cannot tell."""
        return self._store(conn).connection.on_commit(callback)

    def _own_reading(self, work: Callable[[Store], T]) -> T:
        with self._backend.reading() as conn:
            return work(self._store(conn))

    def _own_writing(self, work: Callable[[Store], T]) -> T:
        with self._backend.writing() as conn:
            return work(self._store(conn))

    def _store(self, conn: object) -> Store:
        catalog = self._backend.catalog
        return Store(adapt(conn, catalog.backend), catalog)
