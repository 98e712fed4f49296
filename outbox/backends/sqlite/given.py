"""The pipeline on a connection of the caller's, in the transaction that is open there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from outbox.backends.given import part, runner
from outbox.backends.sqlite.backend import SqliteBackend
from outbox.backends.sqlite.errors import translated
from outbox.backends.sqlite.session import Database, Session
from outbox.backends.waiting import Waiting
from outbox.connections.sqlite import SQLITE
from outbox.statements import Catalog, Naming


class GivenSource:
    """Gives the one connection out; see `Source`."""

    patience = 0.0
    shared = False
    read_only = False

    def __init__(self, connection: sqlite3.Connection, handed: Any, catalog: Catalog) -> None:
        self.waiting = Waiting()
        self.connection = connection
        self.handed = handed
        self._begin = catalog["begin_write"].named
        self._run = runner(SQLITE, connection, catalog)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        yield self.connection

    @contextmanager
    def writing(
        self,
        begin: str,  # noqa: ARG002 - it has begun
        spoiled: Callable[[], bool],  # noqa: ARG002 - it stays the caller's
    ) -> Iterator[tuple[sqlite3.Connection, Any]]:
        if not self.connection.in_transaction:
            # The driver begins before the first INSERT only, and a savepoint alone would end with a commit.
            self.connection.execute(self._begin)
        with part(self._run):
            yield self.connection, self.handed

    def dedicated(self) -> GivenSource:
        return self

    def close(self) -> None:
        """Leave the caller's connection open."""


class GivenDatabase(Database):
    """Statements on the caller's connection, which waits for the write lock as the caller would."""

    source: GivenSource

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with translated(), self.handing_over() as session:
            yield session

    @contextmanager
    def handing_over(self) -> Iterator[Session]:
        with self.source.writing(self._begin, lambda: False) as (connection, handed):
            yield Session(self.catalog, connection, handed)

    def dedicated(self) -> GivenDatabase:
        return self


def on_given(raw: sqlite3.Connection, handed: Any, *, catalog: Catalog, naming: Naming) -> SqliteBackend:
    """Return a backend on the caller's connection; transactional handlers get ``handed``."""
    return SqliteBackend(GivenDatabase(GivenSource(raw, handed, catalog), catalog), naming)
