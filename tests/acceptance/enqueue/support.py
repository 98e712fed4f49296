"""What is stored, what a handler receives, and how an application writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy.orm import Session, scoped_session

from outbox import Outbox, OutboxMessage, Reject
from outbox.testing import drain
from tests.support import Database

QUEUE = "orders"
PARTITIONS = 4


class Stored(NamedTuple):
    """One committed message that is not sequenced yet."""

    id: int
    queue: str
    partition: int
    payload: bytes


def stored(database: Database) -> list[Stored]:
    """Return what is committed, in the order of the ids."""
    partition = "p.`partition`" if database.backend in {"mysql", "mariadb"} else "p.partition"
    rows = database.query(
        f"SELECT b.id, p.queue, {partition}, b.payload FROM outbox_body b "
        "JOIN outbox_incoming i ON i.body_id = b.id JOIN outbox_partitions p ON p.id = i.partition_id ORDER BY b.id"
    )
    return [Stored(id_, queue, index, bytes(payload)) for id_, queue, index, payload in rows]


def assert_nothing_written(database: Database) -> None:
    """Neither half of a message may have been left behind."""
    assert (database.count("outbox_body"), database.count("outbox_incoming")) == (0, 0)


def deliver(
    database: Database, handler: Callable[[OutboxMessage], Reject | None] | None = None
) -> list[OutboxMessage]:
    """Deliver everything to a handler, in this thread; return what it was called with."""
    received: list[OutboxMessage] = []

    def keep(msg: OutboxMessage) -> Reject | None:
        received.append(msg)
        return handler(msg) if handler else None

    drain(Outbox.builder(database.url).queue(QUEUE, PARTITIONS).leased(keep))
    return received


def run(connection: Any, sql: str) -> None:
    """Execute a statement as the application would on its kind of connection."""
    if isinstance(connection, (sqlalchemy.Connection, Session, scoped_session)):
        connection.execute(sqlalchemy.text(sql))
    elif hasattr(connection, "cursor"):
        connection.cursor().execute(sql)
    else:
        connection.execute(sql)


def sell(connection: Any, number: int) -> None:
    """Write a row of the application's own."""
    run(connection, f"INSERT INTO sales (id) VALUES ({number})")


def sales(database: Database) -> list[int]:
    """Return the application's committed rows."""
    return [number for (number,) in database.query("SELECT id FROM sales ORDER BY id")]
