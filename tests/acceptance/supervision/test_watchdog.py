"""A lock on a table, or a server that is mute: unseen by a round that only waits."""

from __future__ import annotations

import time

import pytest

from outbox import Outbox
from tests.support import Database, eventually

LOCK = {
    "postgresql": "LOCK TABLE outbox_partitions IN ACCESS EXCLUSIVE MODE",
    "mysql": "LOCK TABLES outbox_partitions WRITE",
    "mariadb": "LOCK TABLES outbox_partitions WRITE",
}


@pytest.mark.slow
@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_table_that_is_locked_shows_within_ten_seconds_and_is_said_once(
    migrated: Database, backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []
    builder = Outbox.builder(migrated.url).queue("orders", 1).leased(lambda msg: seen.append(msg.json()))
    with builder.start() as handle:
        handle.outbox.enqueue_now("orders", 1)
        eventually(lambda: seen == [1])
        blocker = migrated.connect()
        blocker.cursor().execute(LOCK[backend])
        began = time.monotonic()
        eventually(lambda: not handle.healthy(), timeout=20)
        assert time.monotonic() - began < 11
        eventually(lambda: "outbox-reconciler has been in one round for" in caplog.text)
        blocker.close()
        eventually(handle.healthy, timeout=20)
        eventually(lambda: "outbox-reconciler goes on" in caplog.text)
        assert caplog.text.count("outbox-reconciler has been in one round for") == 1
        handle.outbox.enqueue_now("orders", 2)
        eventually(lambda: seen == [1, 2], timeout=20)
