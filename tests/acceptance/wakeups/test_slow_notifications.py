"""NOTIFY takes a lock at commit that is the server's one and only, and somebody may keep it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from outbox import Outbox
from outbox.backends.connect import open_backend
from outbox.backends.postgresql.backend import PostgresBackend
from outbox.statements import Naming
from tests.acceptance.bench import PARTITIONS, QUEUE
from tests.support import Database, MissingStandby, PrivateServer, eventually

IMPATIENT = "options=-csynchronous_commit%3Doff"
KEPT_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%pg_notify%'"
)


@pytest.fixture
def database(private_server: PrivateServer) -> Database:
    return private_server.new_database()


@pytest.fixture
def standby(private_server: PrivateServer) -> Iterator[MissingStandby]:
    standby = MissingStandby(private_server.new_database())
    yield standby
    standby.forget()


@pytest.fixture
def keep_the_lock(database: Database, standby: MissingStandby) -> Iterator[Callable[[], None]]:
    """Let another transaction notify, and wait for a standby in the middle of its commit."""
    other = database.connect()
    other.execute("CREATE TABLE other_things (id integer)")
    other.commit()

    def commit() -> None:
        other.execute("INSERT INTO other_things VALUES (1)")
        other.execute("NOTIFY other_things")
        other.commit()

    committing = threading.Thread(target=commit, name="other transaction")

    def keep() -> None:
        standby.demand()
        committing.start()
        eventually(lambda: standby.waiting() == 1)

    yield keep
    standby.forget()
    committing.join(20)


@pytest.mark.backends("postgresql")
def test_a_producer_does_not_wait_until_its_notification_has_gone_out(
    database: Database,
    standby: MissingStandby,
    keep_the_lock: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    listener = database.connect(autocommit=True)
    listener.execute("LISTEN outbox_wakeup")
    producer = Outbox.builder(f"{database.url}?{IMPATIENT}").queue(QUEUE, PARTITIONS).enqueue_only().open()
    with producer:
        producer.enqueue_now(QUEUE, "a", partition=0)
        assert len(list(listener.notifies(timeout=20, stop_after=1))) == 1
        keep_the_lock()
        producer.enqueue_now(QUEUE, "b", partition=0)
        eventually(lambda: database.query(KEPT_WAITING) == [(1,)])
        assert "was not answered" not in caplog.text
        # There is never more than one under way. The next one gives the first one up, and says so.
        producer.enqueue_now(QUEUE, "c", partition=0)
        assert "was not answered within 1 s" in caplog.text
        standby.forget()
        producer.enqueue_now(QUEUE, "d", partition=0)
        eventually(lambda: len(list(listener.notifies(timeout=0))) > 0)
    assert database.count("outbox_incoming") == 4


@pytest.mark.backends("postgresql")
def test_a_notification_that_ended_with_its_connection_goes_out_with_the_next(
    database: Database, standby: MissingStandby, keep_the_lock: Callable[[], None]
) -> None:
    listener = database.connect(autocommit=True)
    listener.execute("LISTEN outbox_wakeup")
    backend = open_backend(f"{database.url}?{IMPATIENT}", naming=Naming(), pool_size=1)
    assert isinstance(backend, PostgresBackend)
    notifier = backend._notifier
    notifier.send("a")
    keep_the_lock()
    notifier.post("b")
    eventually(lambda: database.query(KEPT_WAITING) == [(1,)])
    database.query(KEPT_WAITING.replace("count(*)", "pg_terminate_backend(pid)"))
    eventually(lambda: database.query(KEPT_WAITING) == [(0,)])
    standby.forget()
    notifier.post("c")
    heard = [item.payload for item in listener.notifies(timeout=20, stop_after=3)]
    assert heard == ["a", "b", "c"]
    backend.close()
