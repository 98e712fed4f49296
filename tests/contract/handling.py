"""What a transactional handler does, on whatever kind of connection it is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy

from outbox.backends.protocol import Backend, TransactionalTurn
from outbox.backends.records import LeaseRequest, Refusal
from tests.contract.actor import MANY_BYTES
from tests.support import Database


class Handled(Exception):
    """Stands for an error that is not the backend's."""


@contextmanager
def turn(
    backend: Backend, partition_id: int, *, limit: int = 10, one_if_failed: bool = False, **options: Any
) -> Iterator[TransactionalTurn]:
    request = LeaseRequest(partition_id, limit)
    with backend.transactional_turn(
        request, max_bytes=MANY_BYTES, one_if_failed=one_if_failed, **options
    ) as found:
        assert not isinstance(found, Refusal)
        yield found


def refusal(backend: Backend, partition_id: int, **options: Any) -> Refusal:
    request = LeaseRequest(partition_id, 10)
    with backend.transactional_turn(request, max_bytes=MANY_BYTES, one_if_failed=False, **options) as found:
        assert isinstance(found, Refusal)
        return found


def run(connection: Any, sql: str) -> None:
    """Execute as a handler would on the kind of connection that it was given."""
    if isinstance(connection, sqlalchemy.Connection):
        connection.execute(sqlalchemy.text(sql))
    else:
        connection.cursor().execute(sql)


def effect(connection: Any, n: int) -> None:
    run(connection, f"INSERT INTO effects (n) VALUES ({n})")


def effects(database: Database) -> list[int]:
    return [n for (n,) in database.query("SELECT n FROM effects ORDER BY n")]
