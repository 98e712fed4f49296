"""What the doctor says of ids that would come again or out of order."""

from __future__ import annotations

import pytest

import outbox
from outbox import Outbox
from outbox.backends.connect import open_backend
from outbox.doctor.checks import identities
from outbox.doctor.finding import Finding
from outbox.doctor.patient import Patient
from outbox.statements import Naming
from outbox.workers import ground
from tests.support import Database, eventually

pytestmark = pytest.mark.backends("postgresql")


def examine(database: Database) -> list[Finding]:
    backend = open_backend(database.url, naming=Naming(), pool_size=1)
    try:
        return identities.examine(Patient(backend, database.url))
    finally:
        backend.close()


def test_ids_that_a_restore_left_behind_and_ids_taken_in_advance_are_problems_with_their_repair(
    database: Database,
) -> None:
    outbox.migrate(database.url)
    assert examine(database) == []
    with Outbox.builder(database.url).queue("orders", 2).enqueue_only().open() as box:
        for number in range(5):
            box.enqueue_now("orders", number)
    assert examine(database) == []

    database.execute("ALTER TABLE outbox_body ALTER COLUMN id RESTART WITH 1")
    database.execute("ALTER TABLE outbox_body ALTER COLUMN id SET CACHE 20")
    behind, ahead = examine(database)
    assert "the ids of outbox_body go on at 1, and 5 is there already" in behind.text
    assert "each session takes 20 ids of outbox_body" in ahead.text

    database.execute(behind.advice)
    database.execute(ahead.advice)
    assert examine(database) == []


def test_running_workers_say_so_once(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground, "GROUND_SECONDS", 0.1)
    outbox.migrate(database.url)
    builder = Outbox.builder(database.url).poll_interval(0.05)
    with builder.queue("orders", 2).leased(lambda _msg: None).start() as handle:
        handle.outbox.enqueue_now("orders", 1)
        database.execute("ALTER TABLE outbox_body ALTER COLUMN id SET CACHE 20")
        eventually(lambda: any("takes 20 ids" in text for text in caplog.messages))
        database.execute("ALTER TABLE outbox_body ALTER COLUMN id SET CACHE 30")
        eventually(lambda: any("takes 30 ids" in text for text in caplog.messages))
    assert sum("takes 20 ids" in text and "CACHE 1" in text for text in caplog.messages) == 1
