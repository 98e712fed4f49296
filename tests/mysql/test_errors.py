"""What the servers' errors become."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from outbox.backends.mysql.errors import kind_of
from outbox.backends.mysql.server import judge
from outbox.backends.protocol import Backend, TransactionalTurn
from outbox.backends.records import LeaseRequest, Refusal, Settlement
from outbox.errors import (
    ConnectionLost,
    Contention,
    DatabaseError,
    ReadOnlyServer,
    UnsupportedServer,
)
from tests.contract.actor import MANY_BYTES, Actor
from tests.mysql.conftest import Opener
from tests.support import Database


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1020, Contention),
        (1205, Contention),
        (1213, Contention),
        (3572, Contention),
        (1053, ConnectionLost),
        (1927, ConnectionLost),
        (2002, ConnectionLost),
        (2003, ConnectionLost),
        (2006, ConnectionLost),
        (2013, ConnectionLost),
        (2055, ConnectionLost),
        (4031, ConnectionLost),
        (1290, ReadOnlyServer),
        (1792, ReadOnlyServer),
        (1836, ReadOnlyServer),
        (1064, DatabaseError),
        (1045, DatabaseError),
        (1049, DatabaseError),
        (1146, DatabaseError),
        (2059, DatabaseError),
        (2061, DatabaseError),
    ],
)
def test_an_errors_number_decides_what_to_do(number: int, expected: type[DatabaseError]) -> None:
    from mysql.connector import errors

    assert kind_of(errors.DatabaseError(errno=number)) is expected


def test_a_closed_connection_counts_as_lost_though_the_driver_gives_no_number() -> None:
    from mysql.connector import errors

    assert kind_of(errors.OperationalError("MySQL Connection not available.")) is ConnectionLost
    assert kind_of(errors.InternalError("Unread result found")) is DatabaseError


@pytest.mark.parametrize(
    ("version", "family"),
    [
        ("8.0.13", "mysql"),
        ("9.7.4-2", "mysql"),
        ("8.0.36-28.1", "mysql"),
        ("10.6.0-MariaDB", "mariadb"),
        ("10.11.19-MariaDB-0+deb12u1", "mariadb"),
        ("12.1.2-MariaDB-log", "mariadb"),
    ],
)
def test_a_server_new_enough_is_taken_by_its_own_word(version: str, family: str) -> None:
    assert judge(version, 0, "OFF") == family


@pytest.mark.parametrize("version", ["5.7.44", "8.0.12", "10.5.28-MariaDB", "5.5.68-MariaDB"])
def test_a_server_too_old_is_refused_with_the_versions_that_will_do(version: str) -> None:
    with pytest.raises(UnsupportedServer, match=r"MySQL 8\.0\.13 or MariaDB 10\.6"):
        judge(version, 0, 0)


@pytest.mark.parametrize("setting", [1, "ON", "NO_LOCK"])
def test_a_server_that_takes_no_writes_is_refused_however_it_says_so(setting: object) -> None:
    with pytest.raises(ReadOnlyServer):
        judge("9.7.0", setting, 0)


@pytest.mark.backends("mysql", "mariadb")
def test_a_lock_that_is_not_had_in_time_is_contention_and_leaves_nothing_half_done(
    migrated: Database, opened: Opener, actor: Actor, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "outbox.backends.retry.REPEATING", lambda function, *args, **kwargs: function(*args, **kwargs)
    )
    store = opened(f"{migrated.url}?init_command=SET innodb_lock_wait_timeout = 1")
    actor.deliverable(ids[0], b"1")
    actor.deliverable(ids[1], b"1")
    actor.take(ids[0])
    actor.take(ids[1])
    blocker = migrated.connect()
    blocker.cursor().execute(
        f"UPDATE outbox_processor SET attempts = attempts + 0 WHERE partition_id = {ids[1]}"
    )
    blocker.cursor().execute(f"SELECT * FROM outbox_processor WHERE partition_id = {ids[1]} FOR UPDATE")
    with pytest.raises(Contention):
        store.settle_and_read(
            [Settlement(ids[0], 1), Settlement(ids[1], 1)], token="mine", lease=30.0, max_bytes=MANY_BYTES
        )
    assert actor.row(ids[0])[0] == 0
    blocker.rollback()
    assert actor.settle(Settlement(ids[0], 1), Settlement(ids[1], 1)).released == ids[:2]


class Quarrel:
    """Two transactions that lock two rows crosswise; the smaller one is the victim."""

    def __init__(self, database: Database) -> None:
        database.execute("CREATE TABLE accounts (n INTEGER PRIMARY KEY, m INTEGER)")
        database.execute("INSERT INTO accounts VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)")
        self._other = database.connect()
        self._other.cursor().execute("UPDATE accounts SET m = 1 WHERE n >= 2")

    def lose(self, connection: Any) -> None:
        """Be the victim on ``connection``; raises the driver's error."""
        connection.cursor().execute("UPDATE accounts SET m = 2 WHERE n = 1")
        cross = threading.Thread(
            target=self._other.cursor().execute, args=("UPDATE accounts SET m = 1 WHERE n = 1",)
        )
        cross.start()
        try:
            connection.cursor().execute("UPDATE accounts SET m = 2 WHERE n = 2")
        finally:
            cross.join()
            self._other.commit()


def turn_of(store: Backend, partition_id: int, handle: Callable[[TransactionalTurn], None]) -> None:
    """Run a transactional turn with one savepoint before the handler."""
    request = LeaseRequest(partition_id, 2)
    with store.transactional_turn(request, max_bytes=MANY_BYTES, one_if_failed=False) as turn:
        assert not isinstance(turn, Refusal)
        turn.savepoint()
        handle(turn)


@pytest.mark.backends("mysql", "mariadb")
def test_a_handler_that_swallows_a_deadlock_cannot_go_on_in_a_new_transaction(
    store: Backend, actor: Actor, ids: list[int], migrated: Database
) -> None:
    quarrel = Quarrel(migrated)
    actor.deliverable(ids[0], b"1", b"2")

    def handle(turn: TransactionalTurn) -> None:
        with pytest.raises(Exception, match="1213"):
            quarrel.lose(turn.connection)
        turn.connection.cursor().execute("UPDATE accounts SET m = 3 WHERE n = 3")
        turn.savepoint()

    with pytest.raises(DatabaseError, match="was ended"):
        turn_of(store, ids[0], handle)
    assert migrated.value("SELECT m FROM accounts WHERE n = 3") == 1
    assert actor.row(ids[0])[0] == 0


@pytest.mark.backends("mysql", "mariadb")
@pytest.mark.parametrize("step", ["savepoint", "seal", "rollback"])
@pytest.mark.parametrize("ending", ["COMMIT", "ROLLBACK", "CREATE TABLE effects (n INTEGER)"])
def test_every_step_after_a_statement_that_ends_the_transaction_says_so(
    store: Backend, actor: Actor, ids: list[int], step: str, ending: str
) -> None:
    actor.deliverable(ids[0], b"1", b"2")

    def handle(turn: TransactionalTurn) -> None:
        turn.connection.cursor().execute(ending)
        turn.connection.cursor().execute("SELECT count(*) FROM outbox_body FOR UPDATE")
        getattr(turn, step)()

    with pytest.raises(DatabaseError, match="was ended"):
        turn_of(store, ids[0], handle)
    assert actor.row(ids[0])[0] == 0
