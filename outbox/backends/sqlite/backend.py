"""SQLite behind the `Backend` protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

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
from outbox.backends.sqlite import monitoring, processor, queues, sequencer, transactional, vacuum
from outbox.backends.sqlite.database import Database
from outbox.backends.sqlite.errors import is_contention, translated
from outbox.backends.waiting import Waiting
from outbox.errors import DatabaseError
from outbox.statements import Naming


class SqliteBackend:
    """One SQLite database; every method is one short transaction, from any thread."""

    name = "sqlite"
    can_notify = False

    def __init__(self, database: Database, naming: Naming) -> None:
        self.naming = naming
        self.catalog = database.catalog
        self._source = database.source
        self._db = database
        self._parts: list[SqliteBackend] = []

    def check_server(self) -> None:
        monitoring.check_server(self._db)

    def applied_migrations(self) -> list[str] | None:
        return queues.applied_migrations(self._db)

    def migrate(self, pending: Sequence[tuple[str, str]]) -> list[str]:
        return queues.migrate(self._db, pending)

    def rollback(self, scripts: Sequence[tuple[str, str]]) -> list[str]:
        return queues.rollback(self._db, scripts)

    def register_queue(self, queue: str, partitions: int) -> list[int]:
        return queues.register_queue(self._db, queue, partitions)

    def find_queue(self, partition_id: int) -> tuple[str, int] | None:
        return queues.find_queue(self._db, partition_id)

    def pending(self, partition_ids: Sequence[int]) -> list[Pending]:
        return sequencer.pending(self._db, partition_ids)

    def sequence(
        self, partition_ids: Sequence[int], limit: int, *, notify: bool = False, durable: bool = True
    ) -> list[Sequenced]:
        del notify, durable  # nobody could hear it; every commit of a connection waits, or none
        return sequencer.sequence(self._db, partition_ids, limit)

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
        return processor.lease_and_read(
            self._db, requests, token, lease, max_bytes, cautious=cautious, alone=alone
        )

    def settle_and_read(
        self, settlements: Sequence[Settlement], *, token: str, lease: float, max_bytes: int
    ) -> Settled:
        return processor.settle_and_read(self._db, settlements, token, lease, max_bytes)

    def renew(self, partition_ids: Sequence[int], *, token: str, lease: float) -> set[int]:
        return processor.renew(self._db, partition_ids, token, lease)

    def transactional_turn(
        self, request: LeaseRequest, *, max_bytes: int, cautious: bool, resting: bool = False
    ) -> AbstractContextManager[transactional.SqliteTurn | Refusal]:
        return transactional.transactional_turn(
            self._db, request, max_bytes, cautious=cautious, resting=resting
        )

    def is_contention(self, error: BaseException) -> bool:
        return is_contention(error)

    def record_failure(self, settlement: Settlement) -> bool:
        return transactional.record_failure(self._db, settlement)

    def vacuum(self, partition_ids: Sequence[int], limit: int) -> int:
        return vacuum.vacuum(self._db, partition_ids, limit)

    def partition_status(self, partition_ids: Sequence[int]) -> list[PartitionStatus]:
        return monitoring.partition_status(self._db, partition_ids)

    def dead_letter_counts(self) -> dict[str, int]:
        return monitoring.dead_letter_counts(self._db)

    def look(self, statement: str, **parameters: Any) -> list[Any]:
        return self._db.read(statement, **parameters).named()

    def notify(self, partition_ids: Sequence[int], *, more: bool = False) -> None:
        """Do nothing: other processes poll."""

    def listen(self) -> Listener:
        raise DatabaseError("SQLite: there is no way to listen; other processes are found by polling")

    @contextmanager
    def connection(self) -> Iterator[Any]:
        with self._db.lend() as (_, lent):
            yield lent

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with translated(), self._source.borrow() as conn:
            yield conn

    @contextmanager
    def writing(self) -> Iterator[Any]:
        with self._db.write() as session:
            yield session.conn

    def apart(self) -> SqliteBackend:
        part = SqliteBackend(self._db.apart(), self.naming)
        self._parts.append(part)
        return part

    @property
    def waiting(self) -> Waiting:
        return self._source.waiting

    def close(self) -> None:
        for part in self._parts:
            part.close()
        self._source.close()
