"""The connection that wakes other processes is idle for long, and somebody cuts it."""

from __future__ import annotations

from pathlib import Path

import pytest

from outbox import Outbox
from tests.acceptance.bench import PARTITIONS, QUEUE
from tests.support import Database, eventually

NOTIFIERS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_notify%' AND pid <> pg_backend_pid()"


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
            process = Path(f"/proc/{pid}")
            # With the process its socket is gone.
            eventually(lambda process=process: not process.exists())
            assert migrated.value(f"SELECT count(*) {NOTIFIERS}") == 0
            producer.enqueue_now(QUEUE, "b", partition=0)
            assert heard()
    assert caplog.messages == []
