"""MySQL and MariaDB behind the `Backend` protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from outbox.backends.mysql import migrations, monitoring, processor, queues, sequencer, transactional
from outbox.backends.mysql import vacuum as vacuuming
from outbox.backends.mysql.errors import is_contention, translated
from outbox.backends.mysql.server import verify
from outbox.backends.mysql.source import Source
from outbox.backends.protocol import Listener
from outbox.backends.records import (
    LeaseRequest,
    PartitionStatus,
    Pending,
    Refusal,
    Sequenced,
    Settled,
    Settlement,
    Taken,
)
from outbox.backends.waiting import Waiting
from outbox.errors import DatabaseError
from outbox.statements import Catalog, Naming


class MysqlBackend:
    """One MySQL or MariaDB database; every method is one short transaction, from any thread."""

    can_notify = False

    def __init__(self, name: str, source: Source, catalog: Catalog, naming: Naming) -> None:
        self.name = name
        self.naming = naming
        self.catalog = catalog
        self._source = source
        self._parts: list[MysqlBackend] = []

    def check_server(self) -> None:
        with self._source.reading() as session:
            # A mysql:// URL may lead to MariaDB: from here on the server's own word counts.
            self.name = verify(session)

    def applied_migrations(self) -> list[str] | None:
        return migrations.applied_migrations(self._source)

    def migrate(self, pending: Sequence[tuple[str, str]]) -> list[str]:
        return migrations.migrate(self._source, self.naming.prefix, pending)

    def rollback(self, scripts: Sequence[tuple[str, str]]) -> list[str]:
        return migrations.rollback(self._source, self.naming.prefix, scripts)

    def register_queue(self, queue: str, partitions: int) -> list[int]:
        return queues.register_queue(self._source, queue, partitions)

    def find_queue(self, partition_id: int) -> tuple[str, int] | None:
        return queues.find_queue(self._source, partition_id)

    def pending(self, partition_ids: Sequence[int]) -> list[Pending]:
        return sequencer.pending(self._source, partition_ids)

    def sequence(
        self, partition_ids: Sequence[int], limit: int, *, notify: bool = False, durable: bool = True
    ) -> list[Sequenced]:
        del notify, durable  # nobody could hear it; every commit of a server waits, or none
        return sequencer.sequence(self._source, partition_ids, limit)

    def lease_and_read(
        self,
        requests: Sequence[LeaseRequest],
        *,
        token: str,
        lease: float,
        max_bytes: int,
        cautious: bool,
        alone: bool,
    ) -> Taken:
        terms = processor.Terms(token, lease, max_bytes)
        return processor.lease_and_read(self._source, requests, terms, cautious=cautious, alone=alone)

    def settle_and_read(
        self, settlements: Sequence[Settlement], *, token: str, lease: float, max_bytes: int
    ) -> Settled:
        return processor.settle_and_read(self._source, settlements, processor.Terms(token, lease, max_bytes))

    def renew(self, partition_ids: Sequence[int], *, token: str, lease: float) -> set[int]:
        return processor.renew(self._source, partition_ids, token, lease)

    def transactional_turn(
        self, request: LeaseRequest, *, max_bytes: int, cautious: bool, resting: bool = False
    ) -> AbstractContextManager[transactional.MysqlTurn | Refusal]:
        return transactional.transactional_turn(
            self._source, request, max_bytes, cautious=cautious, resting=resting
        )

    def is_contention(self, error: BaseException) -> bool:
        return is_contention(error)

    def record_failure(self, settlement: Settlement) -> bool:
        return transactional.record_failure(self._source, settlement)

    def vacuum(self, partition_ids: Sequence[int], limit: int) -> int:
        return vacuuming.vacuum(self._source, partition_ids, limit)

    def partition_status(self, partition_ids: Sequence[int]) -> list[PartitionStatus]:
        return monitoring.partition_status(self._source, partition_ids)

    def dead_letter_counts(self) -> dict[str, int]:
        return monitoring.dead_letter_counts(self._source)

    def look(self, statement: str, **parameters: Any) -> list[Any]:
        with self._source.reading() as session:
            return session.rows(statement, **parameters).named()

    def notify(self, partition_ids: Sequence[int], *, more: bool = False) -> None:
        """Do nothing: MySQL has no way to wake another process, polling finds the work."""

    def listen(self) -> Listener:
        msg = "MySQL has no notifications: use wakeup('poll')"
        raise DatabaseError(msg)

    @contextmanager
    def connection(self) -> Iterator[Any]:
        with self._source.writing() as session:
            yield session.lent

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with self._source.reading() as session, translated():
            yield session.connection

    @contextmanager
    def writing(self) -> Iterator[Any]:
        with self._source.writing() as session, translated():
            yield session.connection

    def apart(self) -> MysqlBackend:
        part = MysqlBackend(self.name, self._source.apart(), self.catalog, self.naming)
        self._parts.append(part)
        return part

    @property
    def waiting(self) -> Waiting:
        return self._source.waiting

    def close(self) -> None:
        for part in self._parts:
            part.close()
        self._source.close()
