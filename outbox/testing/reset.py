"""Empty the tables between two tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from outbox.access import Access
from outbox.backends.connect import open_backend
from outbox.backends.protocol import Backend
from outbox.connections.connection import ProducerConnection
from outbox.statements import Catalog, Naming
from outbox.statements.tables import DEFAULT_PREFIX

STATEMENTS = (
    "reset_cursors",
    "reset_vacuum",
    "reset_incoming",
    "reset_delayed",
    "reset_outgoing",
    "reset_body",
    "reset_dead_letters",
    "reset_failures",
    "reset_parked",
    "reset_parked_keys",
    "reset_history",
    "reset_dedup",
    "reset_pauses",
    "reset_revision",
)


def reset(target: object, *, prefix: str = DEFAULT_PREFIX, schema: str | None = None) -> None:
    """Delete all messages, dead letters, counts of failures and pauses; queues and their settings stay.

    ``target`` is what `Outbox.builder` takes, or an open `Outbox`, which stays usable, as every other one
    does. Numbers go on: no id and no ``seq`` comes again. In one transaction; it waits for workers that hold
    a partition. For databases of tests: nothing asks, and nothing can be brought back.
    """
    # Also of what stands for an outbox until it is first used.
    open_already: Backend | None = getattr(target, "backend", None)
    if open_already is not None:
        Access(open_already, Emptying).write(None, Emptying.run)
        return
    with opened(target, Naming(prefix, schema)) as backend:
        Access(backend, Emptying).write(None, Emptying.run)


class Emptying:
    """The statements that delete, in whatever transaction is open on the connection."""

    def __init__(self, connection: ProducerConnection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog

    def run(self) -> None:
        """Delete everything; the cursors first, so that the partitions' rows are locked."""
        for statement in STATEMENTS:
            self._connection.execute(self._catalog[statement], {})


@contextmanager
def opened(target: Any, naming: Naming) -> Iterator[Backend]:
    """Open a backend for the length of a block."""
    backend = open_backend(target, naming=naming, pool_size=1)
    try:
        yield backend
    finally:
        backend.close()
