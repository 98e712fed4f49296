"""SQLite behind the `Backend` protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from outbox.backends.engines import Guard, handed_over
from outbox.backends.protocol import Listener
from outbox.backends.sqlite.leasing import Leasing
from outbox.backends.sqlite.migrations import Migrations
from outbox.backends.sqlite.monitoring import Monitoring
from outbox.backends.sqlite.queues import Queues
from outbox.backends.sqlite.sequencer import Sequencing
from outbox.backends.sqlite.server import Server
from outbox.backends.sqlite.session import Database
from outbox.backends.sqlite.shapes import Shapes
from outbox.backends.sqlite.sources import ended
from outbox.backends.sqlite.transactional import Transactions, on_savepoint
from outbox.backends.sqlite.vacuum import Vacuuming
from outbox.errors import DatabaseError
from outbox.statements import Naming


class SqliteBackend(
    Migrations, Queues, Sequencing, Leasing, Transactions, Vacuuming, Monitoring, Shapes, Server
):
    """One SQLite database; every method is one short transaction, from any thread."""

    name = "sqlite"
    can_notify = False
    behind_pooler = False

    def __init__(self, db: Database, naming: Naming) -> None:
        super().__init__(db)
        self.naming = naming
        self._parts: list[SqliteBackend] = []

    def notify(self, partition_ids: Sequence[int], *, more: bool = False) -> None:
        """Do nothing: other processes poll."""

    def listen(self) -> Listener:
        raise DatabaseError("SQLite: there is no way to listen; other processes are found by polling")

    @contextmanager
    def connection(self) -> Iterator[Any]:
        with self._db.handing_over() as session:
            set_guard, release = partial(session.query, "set_guard"), partial(on_savepoint, session)
            guard = Guard(set_guard, partial(release, "release_guard"))
            with handed_over(session, guard, ended) as connection:
                yield connection

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with self._db.reading() as session:
            yield session.connection

    @contextmanager
    def writing(self) -> Iterator[Any]:
        with self._db.writing() as session:
            yield session.connection

    def dedicated(self) -> SqliteBackend:
        part = SqliteBackend(self._db.dedicated(), self.naming)
        self._parts.append(part)
        return part

    def close(self) -> None:
        for part in self._parts:
            part.close()
        self._db.source.close()
