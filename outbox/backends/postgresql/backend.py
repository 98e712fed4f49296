"""PostgreSQL behind the `Backend` protocol."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from outbox.backends.postgresql.errors import translated
from outbox.backends.postgresql.leasing import Leasing
from outbox.backends.postgresql.listener import PostgresListener
from outbox.backends.postgresql.migrations import Migrations
from outbox.backends.postgresql.monitoring import Monitoring
from outbox.backends.postgresql.notifier import PostgresNotifier
from outbox.backends.postgresql.queues import Queues
from outbox.backends.postgresql.sequencer import Sequencing
from outbox.backends.postgresql.server import Server
from outbox.backends.postgresql.session import Database
from outbox.backends.postgresql.shapes import Shapes
from outbox.backends.postgresql.sources import PgConnection
from outbox.backends.postgresql.transactional import Transactions
from outbox.backends.postgresql.user_transaction import UserTransaction
from outbox.backends.postgresql.vacuum import Vacuuming
from outbox.backends.postgresql.wakeup_format import encode
from outbox.errors import DatabaseError
from outbox.statements import Naming

NO_LISTEN = (
    "PostgreSQL: connections go through a pooler, behind which LISTEN hears nothing; give "
    '.wakeup("notify", listen_url=…) the URL of the server itself, or choose .wakeup("poll")'
)


class PostgresBackend(
    Migrations, Queues, Sequencing, Leasing, Transactions, Vacuuming, Monitoring, Shapes, Server
):
    """One PostgreSQL database; every method is one short transaction, from any thread."""

    name = "postgresql"
    can_notify = True

    def __init__(
        self, db: Database, naming: Naming, to_listen: Callable[[], PgConnection] | None = None
    ) -> None:
        super().__init__(db)
        self.naming = naming
        self._to_listen = to_listen
        # Families of one prefix in several schemas share the channel, and tell themselves apart by this.
        self._origin = f"{naming.schema or ''}|{secrets.token_hex(6)}"
        # As PostgreSQL folds the name in LISTEN.
        self._channel = f"{naming.prefix}_wakeup".lower()
        self._notifier = PostgresNotifier(db, self._channel)
        self._parts: list[PostgresBackend] = []

    @property
    def behind_pooler(self) -> bool:
        return self._db.source.pooler.found

    def notify(self, partition_ids: Sequence[int], *, more: bool = False) -> None:
        self._notifier.post(encode(self._origin, partition_ids, more=more))

    def listen(self) -> PostgresListener:
        listener = PostgresListener(self._connect_to_listen(), self.catalog["listen"], self._origin)
        listener.test(self._notifier.send)
        return listener

    def _connect_to_listen(self) -> PgConnection:
        if self._to_listen is None:
            if self._db.source.pooler.found:
                raise DatabaseError(NO_LISTEN)
            with self._db.translated():
                return self._db.source.connect()
        # What is wrong there says nothing of the connections that the others use.
        with translated():
            return self._to_listen()

    @contextmanager
    def connection(self) -> Iterator[Any]:
        with ExitStack() as stack:
            with self._db.translated():
                # What a user's code tells its session is to reach no other.
                writing = self._db.source.writing(lambda: True)
                connection, for_user = stack.enter_context(writing)
            transaction = UserTransaction(connection, for_user)
            # From here on the caller runs statements, and gets the driver's own errors.
            yield for_user
            transaction.check_sound()
            with self._db.translated():
                stack.close()

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with self._db.reading() as session:
            yield session.connection

    @contextmanager
    def writing(self) -> Iterator[Any]:
        with self._db.writing() as session:
            yield session.connection

    def dedicated(self) -> PostgresBackend:
        part = PostgresBackend(self._db.dedicated(), self.naming)
        self._parts.append(part)
        return part

    def close(self) -> None:
        for part in self._parts:
            part.close()
        self._notifier.close()
        self._db.source.close()
