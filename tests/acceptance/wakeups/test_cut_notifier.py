"""The connection that wakes other processes is idle for long, and somebody cuts it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from outbox import Outbox
from outbox.backends.connect import open_backend
from outbox.backends.postgresql.backend import PostgresBackend
from outbox.statements import Naming
from tests.acceptance.bench import PARTITIONS, QUEUE
from tests.support import Database, eventually

NOTIFIERS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_notify%' AND pid <> pg_backend_pid()"


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("before", ["send", "post"])
def test_what_the_server_said_at_the_end_may_be_unread_or_not(migrated: Database, before: str) -> None:
    backend = open_backend(migrated.url, naming=Naming(), pool_size=1)
    assert isinstance(backend, PostgresBackend)
    notifier = backend._notifier
    listener = migrated.connect(autocommit=True)
    listener.execute("LISTEN outbox_wakeup")
    getattr(notifier, before)("before")
    assert [item.payload for item in listener.notifies(timeout=20, stop_after=1)] == ["before"]
    [(pid, _)] = migrated.query(f"SELECT pid, pg_terminate_backend(pid) {NOTIFIERS}")
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    notifier.post("after")
    assert [item.payload for item in listener.notifies(timeout=20, stop_after=1)] == ["after"]
    backend.close()


@pytest.mark.backends("postgresql")
def test_the_next_wake_up_goes_out_on_another_connection(
    migrated: Database, caplog: pytest.LogCaptureFixture
) -> None:
    listener = migrated.connect(autocommit=True)
    listener.execute("LISTEN outbox_wakeup")

    def heard() -> list[object]:
        return list(listener.notifies(timeout=20, stop_after=1))

    with Outbox.builder(migrated.url).queue(QUEUE, PARTITIONS).enqueue_only().open() as producer:
        producer.enqueue_now(QUEUE, "a", partition=0)
        assert heard()
        for _ in range(2):
            [(pid, _)] = migrated.query(f"SELECT pid, pg_terminate_backend(pid) {NOTIFIERS}")
            # With the process its socket is gone.
            eventually(partial(is_gone, pid))
            assert migrated.value(f"SELECT count(*) {NOTIFIERS}") == 0
            producer.enqueue_now(QUEUE, "b", partition=0)
            assert heard()
    assert caplog.messages == []


@pytest.mark.backends("postgresql")
def test_a_wake_up_after_the_end_opens_no_connection(migrated: Database) -> None:
    outbox = Outbox.builder(migrated.url).queue(QUEUE, PARTITIONS).enqueue_only().open()
    with migrated.engine().begin() as conn:
        outbox.enqueue(conn, QUEUE, b"x")
        outbox.close()
    assert migrated.value(f"SELECT count(*) {NOTIFIERS}") == 0
    assert migrated.count("outbox_incoming") == 1
