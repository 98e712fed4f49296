"""What another session locks for long is named, with its holder, within ten seconds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from outbox import Outbox
from outbox.runtime import watchdog
from outbox.workers import lock_watch
from tests.acceptance.cli.shell import Shell
from tests.support import Database, eventually

pytestmark = pytest.mark.backends("postgresql", "mysql", "mariadb")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_watch, "TOO_LONG", 1.0)
    monkeypatch.setattr(lock_watch, "HELD_FOR", 0.0)
    monkeypatch.setattr(watchdog, "TOO_LONG", 1.0)
    monkeypatch.setattr(watchdog, "LOOK_EVERY", 0.1)


@contextmanager
def holding(database: Database, statement: str, *, undo: str | None = None) -> Iterator[int]:
    """Run a statement on a connection that keeps its locks; yield the number of its session."""
    conn = database.connect()
    cursor = conn.cursor()
    cursor.execute(
        "SELECT pg_backend_pid()" if database.backend == "postgresql" else "SELECT connection_id()"
    )
    [(number,)] = cursor.fetchall()
    cursor.execute(statement)
    if cursor.description:
        cursor.fetchall()
    try:
        yield int(number)
    finally:
        if undo:
            cursor.execute(undo)
        conn.rollback()
        conn.close()


@pytest.mark.parametrize("table", ["partitions", "processor"])
def test_a_row_that_stays_locked_is_told_with_its_holder_and_then_is_over(
    migrated: Database, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    got: list[int] = []
    builder = Outbox.builder(migrated.url).queue("orders", 1).leased(lambda msg: got.append(msg.id))
    with builder.start() as handle:
        with holding(migrated, f"SELECT * FROM outbox_{table} FOR UPDATE") as session:
            handle.outbox.enqueue_now("orders", 1)
            eventually(lambda: not handle.healthy(), 10)
            assert any(f"(in {table})" in text for text in handle.problems())
            eventually(lambda: f"session {session} " in caplog.text, 10)
        eventually(lambda: got and handle.healthy(), 10)


def test_a_locked_table_is_told_with_its_holder_and_the_doctor_names_it(
    migrated: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from outbox.doctor.checks import locks

    monkeypatch.setattr(locks, "LONG", 0.0)
    builder = Outbox.builder(migrated.url).queue("orders", 1).leased(print)
    postgresql = migrated.backend == "postgresql"
    lock = "LOCK TABLE outbox_partitions" if postgresql else "LOCK TABLES outbox_partitions WRITE"
    with builder.start() as handle, caplog.at_level(logging.ERROR, "outbox"):
        with holding(migrated, lock, undo=None if postgresql else "UNLOCK TABLES") as session:
            handle.outbox.flush()
            eventually(lambda: not handle.healthy(), 10)
            eventually(lambda: "who holds locks" in caplog.text, 10)
            if migrated.backend != "mariadb":  # which does not tell who locks a table
                assert f"session {session} " in caplog.text
        eventually(handle.healthy, 10)
    with holding(migrated, "SELECT * FROM outbox_partitions FOR UPDATE") as session:
        assert f"session {session} " in Shell(migrated.url, tmp_path)("doctor").stdout
