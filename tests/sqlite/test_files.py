"""The file is deleted or replaced under a running process, or its log is."""

from __future__ import annotations

from pathlib import Path

import pytest

import outbox
from outbox import ConnectionLost, Outbox
from outbox.workers import ground
from tests.support import Database, eventually

pytestmark = pytest.mark.backends("sqlite")


def path_of(database: Database) -> Path:
    return Path(database.url.removeprefix("sqlite:///"))


def test_a_file_that_is_gone_is_said_and_nothing_more_is_accepted(
    migrated: Database, caplog: pytest.LogCaptureFixture
) -> None:
    builder = Outbox.builder(migrated.url).poll_interval(0.05).queue("orders", 1).leased(lambda _msg: None)
    with builder.start() as handle:
        handle.outbox.enqueue_now("orders", 1)
        path_of(migrated).unlink()
        with pytest.raises(ConnectionLost, match="is gone"):
            handle.outbox.enqueue_now("orders", 2)
        eventually(lambda: not handle.healthy())
        eventually(lambda: any("is gone" in text for text in caplog.messages))


def test_what_takes_the_place_of_a_file_is_what_is_worked_on(
    migrated: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground, "GROUND_SECONDS", 0.1)
    monkeypatch.setattr(ground, "EPOCH_SECONDS", 0.2)
    outbox.migrate(f"sqlite:///{tmp_path}/new.db")
    delivered: list[object] = []
    builder = Outbox.builder(migrated.url).poll_interval(0.05).queue("orders", 1)
    with builder.leased(lambda msg: delivered.append(msg.json())).start() as handle:
        handle.outbox.enqueue_now("orders", 1)
        eventually(lambda: delivered == [1])
        path = path_of(migrated)
        for ending in ("-wal", "-shm"):
            path.with_name(path.name + ending).unlink()
        (tmp_path / "new.db").replace(path)
        handle.outbox.enqueue_now("orders", 2)
        eventually(lambda: delivered == [1, 2])
        eventually(handle.healthy)


def test_a_log_that_is_gone_is_said_once_and_the_file_is_opened_anew(migrated: Database) -> None:
    with Outbox.builder(migrated.url).queue("orders", 1).enqueue_only().open() as box:
        box.enqueue_now("orders", 1)
        path = path_of(migrated)
        path.with_name(path.name + "-wal").unlink()
        with pytest.raises(ConnectionLost, match="-wal was deleted"):
            box.enqueue_now("orders", 2)
        box.enqueue_now("orders", 3)
        with Outbox.builder(migrated.url).queue("orders", 1).enqueue_only().open() as other:
            other.enqueue_now("orders", 4)
            assert sum(partition.incoming for partition in other.status().partitions) >= 2
