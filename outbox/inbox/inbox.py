"""Accept each message once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from outbox.access import Access
from outbox.backends.connect import check_target, open_backend
from outbox.connections.connection import ProducerConnection
from outbox.errors import ConfigurationError, DatabaseError
from outbox.statements import Catalog, Naming
from outbox.statements.tables import DEFAULT_PREFIX
from outbox.values.durations import whole

if TYPE_CHECKING:
    from typing_extensions import Self
from enum import Enum


class InboxResult(Enum):
    """The answer of `Inbox.accept`."""

    NEW = "new"
    """The next number of its partition: handle it."""

    DUPLICATE = "duplicate"
    """Accepted before: leave it alone."""

    GAP = "gap"
    """New, and numbers before it did not come: handle it.

    They were dead-lettered, parked or skipped at the source, and come with new numbers if they are sent
    again; or something on the way lost or reordered them.
    """

    @property
    def is_new(self) -> bool:
        """Whether the message is to be handled."""
        return self is not InboxResult.DUPLICATE


def result_of(seq: int, previous: int) -> InboxResult:
    """Return what a number means to a partition that stood at ``previous``."""
    if seq <= previous:
        return InboxResult.DUPLICATE
    return InboxResult.NEW if seq == previous + 1 else InboxResult.GAP


SOURCE = re.compile(r"[!-~]{1,128}\Z")


class Store:
    """The statements of ``inbox.sql`` on one connection."""

    def __init__(self, connection: ProducerConnection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog

    def accept(self, source: str, partition_id: int, seq: int) -> int:
        """Move the watermark; return where it stood."""
        key = {"source": self._catalog.dialect.encode_text(source), "partition_id": partition_id}
        rows = self._connection.query(self._catalog["accept"], {**key, "seq": seq})
        if "accepted" in self._catalog:
            rows = self._connection.query(self._catalog["accepted"], key)
        return int(rows.value())

    def run(self, statement: str) -> None:
        """Run a statement that changes the table itself."""
        self._connection.query(self._catalog[statement], {})


class Inbox:
    """Tells a receiver of an outbox's messages which of them it has had already.

    An outbox numbers the messages of each partition without gaps and sends them in order, so up to which
    number a receiver has come says everything: there is one row for each source and partition, in the
    table ``outbox_inbox``, and no window after which duplicates pass.

    The messages of one partition must come in their order, as they do from one queue of RabbitMQ to one
    consumer or within one partition of Kafka. Thread-safe.
    """

    def __init__(self, target: object, *, prefix: str = DEFAULT_PREFIX, schema: str | None = None) -> None:
        """Name the receiver's database: whatever `Outbox.builder` takes. Connects when it is first needed."""
        check_target(target)
        self._backend = open_backend(target, naming=Naming(prefix, schema), pool_size=1)
        self._access = Access(self._backend, Store)

    def migrate(self) -> None:
        """Create the table if it is missing. Safe to run from any number of processes at once."""
        try:
            self._access.write(None, lambda store: store.run("create_inbox"))
        except DatabaseError:
            # On PostgreSQL, of two that create a table at once one fails although it asks first.
            self._access.write(None, lambda store: store.run("create_inbox"))

    def rollback(self) -> None:
        """Drop the table with all it holds."""
        self._access.write(None, lambda store: store.run("drop_inbox"))

    def accept(self, conn: object, source: str, partition: int, seq: int) -> InboxResult:
        """Note a message in the receiver's transaction, and say whether it is new.

        ``source``, ``partition`` and ``seq`` are what a relay sends along as ``outbox-source``,
        ``outbox-partition`` and ``outbox-seq``. ``conn`` is any connection that `Outbox.enqueue` accepts;
        what the message causes is written in the same transaction, so that both are committed or neither.
        A second receiver of the same partition waits for the end of the transaction.

        Raises `TransactionRequired` if none is open, and `ConfigurationError` for what no outbox sends.
        """
        given: object = source
        if not isinstance(given, str) or not SOURCE.match(given):
            raise ConfigurationError("source", source, "give the text of the header outbox-source")
        partition_id = whole(partition, option="partition")
        number = whole(seq, option="seq", minimum=1)
        previous = self._access.write(conn, lambda store: store.accept(source, partition_id, number))
        return result_of(number, previous)

    def accept_headers(self, conn: object, headers: Mapping[str, str | bytes]) -> InboxResult:
        """Do the same with the headers of a message, texts or bytes; `KeyError` if one is missing."""
        source, partition, seq = (text(headers[f"outbox-{name}"]) for name in ("source", "partition", "seq"))
        return self.accept(conn, source, int(partition), int(seq))

    def close(self) -> None:
        """Close the connections that it made itself. Idempotent."""
        self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def text(value: str | bytes) -> str:
    """Return a header's value as text."""
    return value if isinstance(value, str) else value.decode()
