"""PostgreSQL behind the `Backend` protocol."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from outbox.backends.postgresql import monitoring, processor, queues, sequencer, transactional, wakeups
from outbox.backends.postgresql.database import Database
from outbox.backends.postgresql.errors import is_contention, translated
from outbox.backends.postgresql.listener import PostgresListener
from outbox.backends.postgresql.notifier import PostgresNotifier
from outbox.backends.postgresql.single_source import SingleSource
from outbox.backends.postgresql.sources import PgConnection, Source
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


class PostgresBackend:
    """One PostgreSQL database; every method is one short transaction, from any thread."""

    name = "postgresql"
    can_notify = True

    def __init__(
        self, source: Source, naming: Naming, to_listen: Callable[[], PgConnection] | None = None
    ) -> None:
        self.naming = naming
        self.catalog = Catalog.load("postgresql", naming)
        self._source = source
        self._to_listen = to_listen
        self._db = Database(source, self.catalog)
        # Families of one prefix in several schemas share the channel, and tell themselves apart by this.
        self._origin = f"{naming.schema or ''}|{secrets.token_hex(6)}"
        # As PostgreSQL folds the name in LISTEN.
        self._channel = f"{naming.prefix}_wakeup".lower()
        self._notifier = PostgresNotifier(self._db, self._channel)
        self._parts: list[PostgresBackend] = []

    def check_server(self) -> None:
        monitoring.check_server(self._db)

    def applied_migrations(self) -> list[str] | None:
        try:
            names: list[str] = self._db.run("applied_migrations").values()
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) in {"42P01", "3F000"}:
                return None
            raise
        return names

    def migrate(self, pending: Sequence[tuple[str, str]]) -> list[str]:
        return queues.migrate(self._db, self._channel, pending)

    def rollback(self, scripts: Sequence[tuple[str, str]]) -> list[str]:
        return queues.rollback(self._db, self._channel, scripts)

    def register_queue(self, queue: str, partitions: int) -> list[int]:
        return queues.register_queue(self._db, queue, partitions)

    def find_queue(self, partition_id: int) -> tuple[str, int] | None:
        return queues.find_queue(self._db, partition_id)

    def pending(self, partition_ids: Sequence[int]) -> list[Pending]:
        return sequencer.pending(self._db, partition_ids)

    def sequence(
        self, partition_ids: Sequence[int], limit: int, *, notify: bool = False, durable: bool = True
    ) -> list[Sequenced]:
        return sequencer.sequence(
            self._db,
            partition_ids,
            limit,
            channel=self._channel if notify else "",
            origin=self._origin,
            durable=durable,
        )

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
    ) -> AbstractContextManager[transactional.PostgresTurn | Refusal]:
        return transactional.transactional_turn(
            self._db, request, max_bytes, cautious=cautious, resting=resting
        )

    def is_contention(self, error: BaseException) -> bool:
        return is_contention(error)

    def record_failure(self, settlement: Settlement) -> bool:
        return transactional.record_failure(self._db, settlement)

    def vacuum(self, partition_ids: Sequence[int], limit: int) -> int:
        return monitoring.vacuum(self._db, partition_ids, limit)

    def partition_status(self, partition_ids: Sequence[int]) -> list[PartitionStatus]:
        return monitoring.partition_status(self._db, partition_ids)

    def dead_letter_counts(self) -> dict[str, int]:
        return monitoring.dead_letter_counts(self._db)

    def look(self, statement: str, **parameters: Any) -> list[Any]:
        return self._db.run(statement, **parameters).named()

    def notify(self, partition_ids: Sequence[int], *, more: bool = False) -> None:
        self._notifier.post(wakeups.encode(self._origin, partition_ids, more=more))

    def listen(self) -> PostgresListener:
        listener = PostgresListener(self._connect_to_listen(), self.catalog["listen"], self._origin)
        listener.test(self._notifier.send)
        return listener

    def _connect_to_listen(self) -> PgConnection:
        if self._to_listen is None:
            with self._db.translated():
                return self._source.dedicated()
        # What is wrong there says nothing of the connections that the others use.
        with translated():
            return self._to_listen()

    @contextmanager
    def connection(self) -> Iterator[Any]:
        with ExitStack() as stack:
            with self._db.translated():
                _, lent = stack.enter_context(self._source.transaction())
            # From here on the caller runs statements, and gets the driver's own errors.
            yield lent

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with self._db.translated(), self._source.autocommit() as conn:
            yield conn

    @contextmanager
    def writing(self) -> Iterator[Any]:
        with self._db.transaction() as (conn, _):
            yield conn

    def apart(self) -> PostgresBackend:
        part = PostgresBackend(SingleSource(self._source.dedicated, self._source.waiting), self.naming)
        self._parts.append(part)
        return part

    @property
    def waiting(self) -> Waiting:
        return self._source.waiting

    def close(self) -> None:
        for part in self._parts:
            part.close()
        self._notifier.close()
        self._source.close()
