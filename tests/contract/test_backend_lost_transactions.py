from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy

from outbox.backends.protocol import Backend
from outbox.backends.records import Settlement
from outbox.errors import ConnectionLost
from tests.contract.actor import Actor
from tests.contract.handling import Handled, effect, effects, turn
from tests.support import Database


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_connection_that_is_cut_is_lost_and_the_next_turn_gets_another(
    either: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a")

    with pytest.raises(ConnectionLost), turn(either, ids[0]) as open_turn:  # noqa: PT012 - the block is the handler
        effect(open_turn.connection, 1)
        cut(open_turn.connection, migrated)
        open_turn.savepoint()

    assert effects(migrated) == []
    with turn(either, ids[0]) as open_turn:
        open_turn.settle(Settlement(ids[0], 1))
    assert actor.row(ids[0])[0] == 1


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_commit_that_fails_is_a_lost_connection(
    either: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"a")

    with pytest.raises(ConnectionLost), turn(either, ids[0]) as open_turn:  # noqa: PT012 - the block is the handler
        open_turn.settle(Settlement(ids[0], 1))
        cut(open_turn.connection, migrated)

    assert actor.row(ids[0])[0] == 0


def cut(connection: Any, database: Database) -> None:
    """End a session on the server's side."""
    if isinstance(connection, sqlalchemy.Connection):
        connection = connection.connection.driver_connection
    if database.backend == "postgresql":
        database.query("SELECT pg_terminate_backend(?)", connection.info.backend_pid)
    else:
        database.execute(f"KILL {connection.connection_id}")


def test_a_failure_can_be_written_after_its_transaction_was_lost(
    store: Backend, ids: list[int], actor: Actor
) -> None:
    actor.deliverable(ids[0], b"a")

    assert store.record_failure(Settlement(ids[0], 0, attempts=1, last_error="lost", delay=20.0))
    assert actor.row(ids[0]) == (0, 1, "lost", None, True)


def test_a_failure_is_not_written_when_the_cursor_moved_or_somebody_holds_the_partition(
    store: Backend, ids: list[int], actor: Actor
) -> None:
    actor.deliverable(ids[0], b"a", b"b")
    actor.take(ids[0])
    held = actor.row(ids[0])

    assert not store.record_failure(Settlement(ids[0], 0, attempts=1, last_error="late"))
    assert actor.row(ids[0]) == held
    actor.settle(Settlement(ids[0], 1))
    assert not store.record_failure(Settlement(ids[0], 0, attempts=1, last_error="late"))
    assert actor.row(ids[0]) == (1, 0, None, None, False)


def test_a_lent_connection_commits_at_a_clean_exit_and_rolls_back_otherwise(
    either: Backend, migrated: Database
) -> None:
    with either.connection() as connection:
        effect(connection, 1)
    with pytest.raises(Handled), either.connection() as connection:  # noqa: PT012 - the block is the handler
        effect(connection, 2)
        raise Handled

    assert effects(migrated) == [1]
