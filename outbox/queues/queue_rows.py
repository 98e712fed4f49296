"""The statements that everything about a queue's partitions needs, on one connection."""

from __future__ import annotations

from typing import Any

from outbox.connections.connection import ProducerConnection
from outbox.queues.numbering import Numbering
from outbox.statements import Catalog


class QueueRows:
    """Runs statements in whatever transaction is open on the connection; what `outbox.access` makes."""

    def __init__(self, connection: ProducerConnection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog

    def partition_ids(self, queue: str) -> list[int]:
        """Return the ids of today in index order, none for an unknown queue."""
        return [int(row[0]) for row in self._run("queue_partitions", queue=queue)]

    def numbering(self, queue: str) -> Numbering | None:
        """Return all partitions of a queue, those that a resize has retired too; None for an unknown one."""
        return Numbering.of(self._run("numbering", queue=queue))

    def _make_cursors(self, queue: str) -> None:
        """Make the rows of processor and vacuum that a queue's partitions lack."""
        self._run("create_cursors", queue=queue)
        if "create_vacuum_cursors" in self._catalog:
            self._run("create_vacuum_cursors", queue=queue)

    def _run(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._catalog[statement], parameters)
