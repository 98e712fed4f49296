from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session

from outbox import (
    ConfigurationError,
    DatabaseError,
    Outbox,
    OutboxMessage,
    Reject,
    Retry,
    TransactionRequired,
    UnsupportedConnection,
    WrongDatabase,
)
from outbox.testing import HandlersFailed, drain
from tests.connections.support import SQLALCHEMY_DRIVERS
from tests.contrib.testing.support import LEASED, TRANSACTIONAL, Handlers, builder
from tests.support import Database


@pytest.fixture
def tables(migrated: Database) -> Database:
    migrated.execute("CREATE TABLE audit (id integer)")
    return migrated


def nothing_is_left(database: Database) -> bool:
    tables = ("body", "incoming", "outgoing", "dead_letters")
    counts = [database.count(f"outbox_{table}") for table in tables]
    sequences = database.query("SELECT sequence FROM outbox_partitions WHERE sequence > 0")
    return not any(counts) and not sequences and not database.count("audit")


def test_what_is_not_committed_is_delivered_and_undone_with_the_rest(tables: Database) -> None:
    handlers = Handlers()
    with builder(tables.url, handlers).open() as box:
        conn = tables.connect()
        box.enqueue(conn, LEASED, "anna", key="anna")
        box.enqueue(conn, TRANSACTIONAL, 7)
        counts = drain(box, conn=conn)
        cursor = conn.cursor()
        cursor.execute("SELECT id FROM audit")
        assert list(cursor.fetchall()) == [(7,)]
        conn.rollback()
    assert (counts.processed, counts.sequenced, counts.vacuumed, counts.left) == (2, 2, 2, 0)
    assert (handlers.mails, handlers.audited) == (["anna"], [7])
    assert nothing_is_left(tables)


@contextmanager
def rolled_back_session(database: Database, driver: str) -> Iterator[Session]:
    """Yield a Session as SQLAlchemy's page on testing makes it: its commits are savepoints."""
    url = make_url(database.sqlalchemy_url)
    engine = create_engine(url.set(drivername=f"{url.get_backend_name()}+{driver}"))
    with engine.connect() as conn, conn.begin() as outer:
        if database.backend == "sqlite":
            conn.exec_driver_sql("BEGIN")
        with Session(bind=conn, join_transaction_mode="create_savepoint") as session:
            yield session
        outer.rollback()
    engine.dispose()


def test_a_rolled_back_session_on_any_driver_delivers(tables: Database) -> None:
    for driver in SQLALCHEMY_DRIVERS[tables.backend]:
        handlers = Handlers()
        with (
            builder(tables.url, handlers, max_attempts=2).open() as box,
            rolled_back_session(tables, driver) as session,
        ):
            deliver_in(box, session, handlers)
        assert handlers.mails == [{"to": "anna"}]
        assert nothing_is_left(tables)


def deliver_in(box: Outbox, session: Session, handlers: Handlers) -> None:
    box.enqueue(session, LEASED, {"to": "anna"}, key="\N{SNOWMAN}", headers={"a": "b"})
    box.enqueue(session, TRANSACTIONAL, 7)
    session.commit()
    counts = drain(box, conn=session, errors="raise")
    assert (counts.processed, counts.left) == (2, 0)
    assert session.execute(text("SELECT id FROM audit")).scalars().all() == [7]
    handlers.fail = fail_with(ValueError("no"))
    box.enqueue(session, TRANSACTIONAL, 8)
    assert [failure.reason for failure in drain(box, conn=session).failures] == ["ValueError: no"]
    assert drain(box, conn=session).dead_lettered == 1
    assert session.execute(text("SELECT id FROM audit")).scalars().all() == [7]


def fail_with(*errors: Exception) -> Any:
    waiting = list(errors)

    def fail(msg: OutboxMessage) -> None:
        if waiting:
            raise waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return fail


def test_over_an_engine_transactional_handlers_get_what_the_workers_give_them(tables: Database) -> None:
    handlers, engine = Handlers(), tables.engine()
    given: list[object] = []
    handlers.fail = lambda msg: given.append(type(msg))
    with builder(engine, handlers).open() as box:
        with Session(engine) as session:
            box.enqueue(session, TRANSACTIONAL, 7)
            assert drain(box, conn=session).processed == 1
            session.rollback()
        conn = tables.connect()
        with pytest.raises(ConfigurationError, match="give a Connection or Session of that Engine"):
            drain(box, conn=conn)
    assert nothing_is_left(tables)


@pytest.mark.backends("sqlite")
def test_every_failure_is_counted_and_named(tables: Database) -> None:
    handlers = Handlers()
    with builder(tables.url, handlers).open() as box:
        conn = tables.connect()
        first = box.enqueue(conn, LEASED, 1, key="anna", partition=None)
        box.enqueue(conn, TRANSACTIONAL, 2)
        handlers.fail = fail_with(ValueError("no"))
        with pytest.raises(HandlersFailed) as caught:
            drain(box, conn=conn, errors="raise")
        sentence = str(caught.value)
        assert f"mails message {first} (key 'anna'): ValueError: no" in sentence
        assert "2 deliveries failed" in sentence
        assert "audit message" in sentence
        assert isinstance(caught.value.__cause__, ValueError)
        assert [failure.queue for failure in caught.value.counts.failures] == [LEASED, TRANSACTIONAL]
        assert caught.value.counts.left == 2
        conn.rollback()


@pytest.mark.backends("sqlite")
def test_the_only_exception_of_a_handler_is_raised_itself(tables: Database) -> None:
    handlers = Handlers()
    handlers.fail = fail_with(ZeroDivisionError("by me"))
    with builder(tables.url, handlers).open() as box:
        box.enqueue_now(LEASED, 1)
        with pytest.raises(ZeroDivisionError, match="by me"):
            drain(box, errors="raise")
        assert drain(box).retried == 1, "a drain that raises has ended all the same"


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("result", [Retry("later"), Reject("never")])
def test_results_are_listed_and_not_raised(tables: Database, result: Exception) -> None:
    handlers = Handlers()
    handlers.fail = fail_with(result)
    with builder(tables.url, handlers).open() as box:
        box.enqueue_now(LEASED, 1)
        counts = drain(box, errors="raise")
    [failure] = counts.failures
    assert (failure.error, failure.dead_lettered) == (None, isinstance(result, Reject))


def test_what_a_handler_enqueues_on_its_connection_is_delivered_too(tables: Database) -> None:
    handlers = Handlers()

    def audit(conn: Any, msg: OutboxMessage) -> None:
        box.enqueue(conn, LEASED, "from the handler")

    built = builder(tables.url, handlers).queue("more", 1).transactional(audit)
    with built.open() as box:
        conn = tables.connect()
        box.enqueue(conn, "more", 1)
        assert drain(box, conn=conn).processed == 2
        conn.rollback()
    assert handlers.mails == ["from the handler"]
    assert nothing_is_left(tables)


def test_a_handler_that_ends_the_transaction_is_told_so(tables: Database) -> None:
    handlers = Handlers()
    with (
        builder(tables.url, handlers)
        .queue("more", 1)
        .transactional(lambda conn, msg: conn.rollback())
        .open() as box
    ):
        conn = tables.connect()
        box.enqueue(conn, "more", 1)
        try:
            told = str(drain(box, conn=conn).failures)
        except DatabaseError as error:  # where nothing can be written down in what is left of it
            told = str(error.__cause__)
    assert "ended" in told or "aborted" in told


def test_a_connection_that_would_not_do_for_enqueue_does_not_do_here(tables: Database, provider: Any) -> None:
    handlers = Handlers()
    with builder(tables.url, handlers).open() as box:
        with pytest.raises(TransactionRequired):
            drain(box, conn=tables.connect(autocommit=True))
        with pytest.raises(UnsupportedConnection):
            drain(box, conn=object())
        other = provider.empty()
        try:
            with pytest.raises(WrongDatabase):
                drain(box, conn=other.connect())
        finally:
            provider.drop(other)


@pytest.mark.backends("sqlite")
def test_the_outbox_of_running_workers_is_refused(tables: Database) -> None:
    handlers = Handlers()
    with builder(tables.url, handlers).start() as handle:
        with pytest.raises(ConfigurationError, match="its workers are running"):
            drain(handle.outbox)
        with pytest.raises(ConfigurationError, match="its workers are running"):
            drain(handle.outbox, conn=tables.connect())


def test_beside_workers_an_outbox_of_its_own_drains_and_nothing_comes_twice(tables: Database) -> None:
    handlers = Handlers()
    built = builder(tables.url, handlers)
    with built.start() as handle, built.open() as box:
        conn = tables.connect()
        box.enqueue(conn, LEASED, "rolled back")
        assert drain(box, conn=conn).processed == 1
        conn.rollback()
        for number in range(20):
            handle.outbox.enqueue_now(LEASED, number)
            drain(box)
        while drain(box).left or handle.stats().in_progress:
            pass
    assert sorted(handlers.mails[1:]) == list(range(20))


@pytest.mark.backends("sqlite")
def test_a_wrong_word_for_errors_and_what_is_no_outbox_are_refused(tables: Database) -> None:
    with pytest.raises(ConfigurationError, match="errors"):
        drain(builder(tables.url, Handlers()), errors="ignore")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="give an Outbox"):
        drain(tables.url)  # type: ignore[arg-type]


def test_a_transaction_that_was_lost_is_tried_again_by_the_next_drain(tables: Database) -> None:
    calls = []

    def audit(conn: Any, msg: OutboxMessage) -> None:
        calls.append(msg.id)
        if len(calls) == 1:
            conn.close()

    with builder(tables.url, Handlers()).queue("more", 1).transactional(audit).open() as box:
        box.enqueue_now("more", 1)
        drain(box)
        assert drain(box).left == 0
    assert len(calls) == 2
