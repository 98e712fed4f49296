"""MySQL and MariaDB behind the `Backend` protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from outbox.backends.engines import Guard, handed_over
from outbox.backends.mysql.errors import translated
from outbox.backends.mysql.leasing import Leasing
from outbox.backends.mysql.migrations import Migrations
from outbox.backends.mysql.monitoring import Monitoring
from outbox.backends.mysql.queues import Queues
from outbox.backends.mysql.sequencer import Sequencing
from outbox.backends.mysql.server import Server
from outbox.backends.mysql.session import Source
from outbox.backends.mysql.shapes import Shapes
from outbox.backends.mysql.transactional import ENDED, Transactions, on_savepoint
from outbox.backends.mysql.vacuum import Vacuuming
from outbox.backends.protocol import Listener
from outbox.errors import DatabaseError
from outbox.statements import Catalog, Naming


class MysqlBackend(
    Migrations, Queues, Sequencing, Leasing, Transactions, Vacuuming, Monitoring, Shapes, Server
):
    """One MySQL or MariaDB database; every method is one short transaction, from any thread."""

    can_notify = False
    behind_pooler = False

    def __init__(self, name: str, source: Source, catalog: Catalog, naming: Naming) -> None:
        super().__init__(source, catalog)
        self.name = name
        self.naming = naming
        self._parts: list[MysqlBackend] = []

    def notify(self, partition_ids: Sequence[int], *, more: bool = False) -> None:
        """Do nothing: MySQL has no way to wake another process, polling finds the work."""

    def listen(self) -> Listener:
        msg = "MySQL has no notifications: use wakeup('poll')"
        raise DatabaseError(msg)

    @contextmanager
    def connection(self) -> Iterator[Any]:
        with self._source.writing() as session:
            set_guard, release = partial(session.command, "set_guard"), partial(on_savepoint, session)
            guard = Guard(set_guard, partial(release, "release_guard"))
            with handed_over(session, guard, partial(DatabaseError, ENDED)) as connection:
                yield connection

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with self._source.reading() as session, translated():
            yield session.connection

    @contextmanager
    def writing(self) -> Iterator[Any]:
        with self._source.writing() as session, translated():
            yield session.connection

    def dedicated(self) -> MysqlBackend:
        part = MysqlBackend(self.name, self._source.dedicated(), self.catalog, self.naming)
        self._parts.append(part)
        return part

    def close(self) -> None:
        for part in self._parts:
            part.close()
        self._source.close()
