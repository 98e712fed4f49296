from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from outbox import Outbox, TransactionRequired
from tests.acceptance.enqueue.support import (
    QUEUE,
    assert_nothing_written,
    deliver,
    run,
    sales,
    sell,
    stored,
)
from tests.acceptance.wakeups.inbox import NEVER, only_one_poll, polls
from tests.support import Database, eventually


def autocommitting_engine(database: Database) -> Any:
    return database.engine(isolation_level="AUTOCOMMIT").connect()


CONNECTIONS: dict[str, Callable[[Database], Any]] = {
    "driver": lambda database: database.connect(autocommit=True),
    "sqlalchemy": autocommitting_engine,
}


@pytest.mark.parametrize("kind", CONNECTIONS)
def test_a_connection_that_would_commit_by_itself_is_refused(
    outbox: Outbox, tables: Database, kind: str
) -> None:
    connection = CONNECTIONS[kind](tables)
    with pytest.raises(TransactionRequired) as caught:
        outbox.enqueue(connection, QUEUE, b"x")
    assert caught.value.connection_kind
    assert "begin a transaction first" in str(caught.value)
    with pytest.raises(TransactionRequired):
        outbox.enqueue_batch(connection, QUEUE, [])
    connection.close()
    assert_nothing_written(tables)


def test_an_autocommitting_connection_is_taken_once_it_is_in_a_transaction(
    outbox: Outbox, tables: Database
) -> None:
    connection = tables.connect(autocommit=True)
    run(connection, "START TRANSACTION" if tables.backend in {"mysql", "mariadb"} else "BEGIN")
    outbox.enqueue(connection, QUEUE, b"x")
    assert_nothing_written(tables)
    run(connection, "COMMIT")
    assert len(stored(tables)) == 1
    with pytest.raises(TransactionRequired):
        outbox.enqueue(connection, QUEUE, b"y")


@pytest.mark.parametrize("kind", CONNECTIONS)
def test_it_is_allowed_when_the_rule_is_switched_off(tables: Database, kind: str) -> None:
    builder = Outbox.builder(tables.url).require_transaction(False).queue(QUEUE, 4).enqueue_only()
    with builder.open() as outbox:
        connection = CONNECTIONS[kind](tables)
        id_ = outbox.enqueue(connection, QUEUE, b"x")
        assert [row.id for row in stored(tables)] == [id_]
        connection.close()


def test_enqueue_now_commits_by_itself(outbox: Outbox, tables: Database) -> None:
    id_ = outbox.enqueue_now(QUEUE, b"x", partition=1)
    assert [(row.id, row.partition) for row in stored(tables)] == [(id_, 1)]


def test_what_commits_by_itself_wakes_the_workers(tables: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    only_one_poll(monkeypatch)
    received: list[int] = []
    builder = Outbox.builder(tables.url).poll_interval(NEVER).wakeup("poll").queue(QUEUE, 4)
    with builder.leased(lambda msg: received.append(msg.id)).start() as handle:
        eventually(lambda: polls(handle) == 1)
        sent = [handle.outbox.enqueue_now(QUEUE, b"")]
        with handle.outbox.transaction() as connection:
            sent.append(handle.outbox.enqueue(connection, QUEUE, b""))
        eventually(lambda: sorted(received) == sent)
        assert polls(handle) == 1


# On SQLite the second transaction would wait for the first.
@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_what_commits_by_itself_says_nothing_of_a_transaction_that_is_still_open(
    tables: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_one_poll(monkeypatch)
    received: list[int] = []
    builder = Outbox.builder(tables.url).poll_interval(NEVER).wakeup("poll").queue(QUEUE, 4)
    with builder.leased(lambda msg: received.append(msg.id)).start() as handle:
        eventually(lambda: polls(handle) == 1)
        connection = tables.connect()
        late = handle.outbox.enqueue(connection, QUEUE, b"", partition=0)
        early = handle.outbox.enqueue_now(QUEUE, b"", partition=1)
        eventually(lambda: received == [early])
        connection.commit()
        handle.outbox.flush()
        eventually(lambda: received == [early, late])
        assert polls(handle) == 1


def test_a_lent_transaction_commits_the_applications_rows_too(outbox: Outbox, tables: Database) -> None:
    with outbox.transaction() as connection:
        sell(connection, 1)
        id_ = outbox.enqueue(connection, QUEUE, b"x")
        assert_nothing_written(tables)
    assert [row.id for row in stored(tables)] == [id_]
    assert sales(tables) == [1]


def test_a_lent_transaction_is_rolled_back_by_an_exception(outbox: Outbox, tables: Database) -> None:
    def fail() -> None:
        with outbox.transaction() as connection:
            sell(connection, 1)
            outbox.enqueue(connection, QUEUE, b"x")
            raise LookupError("no such customer")

    with pytest.raises(LookupError, match="no such customer"):
        fail()
    assert_nothing_written(tables)
    assert sales(tables) == []
    assert outbox.enqueue_now(QUEUE, b"y") > 0
    assert [msg.payload for msg in deliver(tables)] == [b"y"]


def test_an_error_of_the_driver_passes_unchanged(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    sell(connection, 1)
    connection.commit()
    with pytest.raises(Exception, match=r"(?i)unique|duplicate") as theirs:
        sell(connection, 1)
    connection.rollback()

    def fail() -> None:
        with outbox.transaction() as lent:
            outbox.enqueue(lent, QUEUE, b"x")
            sell(lent, 1)

    with pytest.raises(theirs.type):
        fail()
    assert_nothing_written(tables)
