"""Whose session it is, and in which state it stays."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy

from outbox.backends.protocol import Backend
from outbox.backends.records import DeadLetterRecord, LeaseRequest, Refusal, Settlement
from outbox.errors import DatabaseError
from tests.contract.actor import MANY_BYTES, Actor
from tests.contract.producer import Producer
from tests.mysql.conftest import Opener
from tests.support import Database

pytestmark = pytest.mark.backends("mysql", "mariadb")

ISOLATION = {"mysql": "@@session.transaction_isolation", "mariadb": "@@session.tx_isolation"}
ODD_SETTINGS = {
    "autocommit": "SET SESSION autocommit = 1",
    "isolation": "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "sql_mode": "SET SESSION sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES'",
    "zone": "SET SESSION time_zone = '+02:00'",
    "charset": "SET NAMES latin1",
}


def ask(connection: Any, sql: str) -> Any:
    cursor = connection.cursor()
    cursor.execute(sql)
    return cursor.fetchone()[-1]


def questions(store: Any) -> int:
    """Count the statements of the one session of a pool, this question included."""
    with store._source.reading() as session:
        return int(ask(session.connection, "SHOW SESSION STATUS LIKE 'Questions'"))


def odd_engine(database: Database) -> sqlalchemy.Engine:
    """An Engine whose sessions are set up as badly as a user may."""
    engine = database.engine()

    @sqlalchemy.event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for statement in ODD_SETTINGS.values():
            cursor.execute(statement)

    return engine


def settings(engine: sqlalchemy.Engine, backend: str) -> tuple[Any, ...]:
    names = (ISOLATION[backend], "@@autocommit", "@@sql_mode", "@@time_zone", "@@character_set_client")
    with engine.connect() as connection:
        return tuple(connection.exec_driver_sql(f"SELECT {', '.join(names)}").one())


def run_everything(store: Backend, producer: Producer, database: Database) -> None:
    ids = store.register_queue("orders", 2)
    actor = Actor(store, database, producer)
    actor.deliverable(ids[0], b"1", b"2", b"3")
    actor.take(ids[0], limit=2)
    actor.settle(
        Settlement(ids[0], 1, 1, "naïve 😀 \"quoted\" 'it' \\n", dead=(DeadLetterRecord(1, "ünd 😀 '\\", 1),))
    )
    with store.transactional_turn(LeaseRequest(ids[0], 5), max_bytes=MANY_BYTES, one_if_failed=False) as turn:
        assert not isinstance(turn, Refusal)
        assert turn.delivery.last_error == "naïve 😀 \"quoted\" 'it' \\n"
        turn.savepoint()
        turn.savepoint()
        turn.seal()
        turn.settle(Settlement(ids[0], 2, 1, "naïve 😀", delay=5.0))
    assert store.vacuum(ids, 10) == 2


def test_an_idle_poll_is_exactly_one_statement(migrated: Database, opened: Opener) -> None:
    store = opened(migrated.url, pool_size=1)
    ids = store.register_queue("orders", 4)
    store.sequence(ids, 10)
    before = questions(store)
    for _ in range(5):
        assert store.pending(ids) == []
    assert questions(store) == before + 5 + 1


def test_a_working_transaction_needs_no_statement_to_begin(migrated: Database, opened: Opener) -> None:
    store = opened(migrated.url, pool_size=1)
    ids = store.register_queue("orders", 4)
    before = questions(store)
    for _ in range(5):
        store.sequence(ids, 10)
    # Off, five times read and COMMIT, on again for the question, and the question.
    assert questions(store) == before + 1 + 5 * 2 + 1 + 1


def test_own_sessions_are_read_committed_and_leave_no_transaction_open(store: Backend, backend: str) -> None:
    with store.connection() as connection:
        assert ask(connection, f"SELECT {ISOLATION[backend]}") == "READ-COMMITTED"
        assert connection.in_transaction or not ask(connection, "SELECT @@autocommit")
    assert not connection.in_transaction


def test_everything_runs_on_an_engine_with_odd_sessions_and_leaves_them_as_they_were(
    migrated: Database, producer: Producer, opened: Opener, backend: str
) -> None:
    engine = odd_engine(migrated)
    before = settings(engine, backend)
    run_everything(opened(engine), producer, migrated)
    assert settings(engine, backend) == before
    assert "SERIALIZABLE" in before
    ((error,),) = migrated.query("SELECT last_error FROM outbox_processor WHERE last_error IS NOT NULL")
    assert error == "naïve 😀"
    ((reason,),) = migrated.query("SELECT last_error FROM outbox_dead_letters")
    assert reason == "ünd 😀 '\\"


def test_an_engine_that_commits_by_itself_still_rolls_a_failed_turn_back(
    migrated: Database, producer: Producer, opened: Opener
) -> None:
    store = opened(migrated.engine(isolation_level="AUTOCOMMIT"))
    ids = store.register_queue("orders", 1)
    migrated.execute("CREATE TABLE effects (n INTEGER PRIMARY KEY)")
    Actor(store, migrated, producer).deliverable(ids[0], b"1")

    def fail() -> None:
        with store.transactional_turn(
            LeaseRequest(ids[0], 1), max_bytes=MANY_BYTES, one_if_failed=False
        ) as turn:
            assert not isinstance(turn, Refusal)
            turn.connection.exec_driver_sql("INSERT INTO effects VALUES (1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert migrated.count("effects") == 0


def test_an_engine_that_takes_one_command_at_a_time_runs_everything(
    migrated: Database, producer: Producer, opened: Opener
) -> None:
    from mysql.connector.constants import ClientFlag

    flags = ClientFlag.get_default() & ~ClientFlag.MULTI_STATEMENTS
    engine = migrated.engine(connect_args={"client_flags": flags})
    run_everything(opened(engine), producer, migrated)


def test_the_pure_python_driver_runs_everything(
    migrated: Database, producer: Producer, opened: Opener
) -> None:
    store = opened(f"{migrated.url}?use_pure=true")
    run_everything(store, producer, migrated)
    with store.connection() as connection:
        assert type(connection).__name__ == "MySQLConnection"


def test_a_borrower_who_switches_autocommit_does_not_make_later_transactions_partial(
    migrated: Database, opened: Opener
) -> None:
    store = opened(migrated.url, pool_size=1)
    migrated.execute("CREATE TABLE effects (n INTEGER PRIMARY KEY)")
    with pytest.raises(DatabaseError, match="was ended"), store.connection() as connection:
        connection.cursor().execute("SET autocommit = 1")  # which commits, too

    def fail() -> None:
        with store.connection() as connection:
            connection.cursor().execute("INSERT INTO effects VALUES (1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert migrated.count("effects") == 0


def test_what_a_handler_left_unread_does_not_disturb_its_turn(
    store: Backend, actor: Actor, ids: list[int]
) -> None:
    actor.deliverable(ids[0], b"1")
    with store.transactional_turn(LeaseRequest(ids[0], 1), max_bytes=MANY_BYTES, one_if_failed=False) as turn:
        assert not isinstance(turn, Refusal)
        turn.savepoint()
        turn.connection.cursor().execute("SELECT 1 UNION SELECT 2")
        turn.seal()
        turn.settle(Settlement(ids[0], 1))
    assert actor.row(ids[0])[0] == 1


def test_times_are_utc_whatever_the_zone_of_the_sessions(
    migrated: Database, producer: Producer, opened: Opener
) -> None:
    far_east, far_west = (
        opened(f"{migrated.url}?init_command=SET time_zone = '{zone}'") for zone in ("%2B13:00", "-12:00")
    )
    ids = far_east.register_queue("orders", 1)
    east, west = Actor(far_east, migrated, producer), Actor(far_west, migrated, producer)
    east.deliverable(ids[0], b"1")
    created_at = east.take(ids[0], lease=20.0).messages[0].created_at
    assert created_at is not None
    now = migrated.value("SELECT UTC_TIMESTAMP(6)").replace(tzinfo=created_at.tzinfo)
    assert abs((now - created_at).total_seconds()) < 20
    assert 0 < west.refusal(ids[0]).retry_in <= 20
    (status,) = far_west.partition_status(ids)
    assert status.oldest_age is not None
    assert status.oldest_age < 20
