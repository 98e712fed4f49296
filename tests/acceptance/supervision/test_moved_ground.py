"""The tables are emptied, or made anew, under running workers."""

from __future__ import annotations

from typing import Any

import pytest

from outbox import Outbox
from outbox.workers import reconciler
from tests.acceptance.bench import QUEUE, Bench
from tests.support import eventually


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciler, "GROUND_SECONDS", 0.1)


def test_workers_whose_partitions_became_another_queues_stand_still_and_say_so(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    delivered: list[Any] = []
    handle = bench.on_threads(lambda queue: queue.leased(lambda msg: delivered.append(msg.json())))
    bench.send("before")
    eventually(lambda: delivered == ["before"])
    for table in ("partitions", "processor", "vacuum", "outgoing", "body"):
        bench.database.execute(f"DELETE FROM outbox_{table}")

    eventually(lambda: not handle.healthy())
    [line] = [text for text in caplog.messages if "restart it" in text]
    assert f"of {QUEUE} are gone or another queue's" in line
    for number, key in enumerate(bench.ids):
        override = "OVERRIDING SYSTEM VALUE " if bench.database.backend == "postgresql" else ""
        partition = "partition" if bench.database.backend in {"postgresql", "sqlite"} else "`partition`"
        bench.database.execute(
            f"INSERT INTO outbox_partitions (id, queue, {partition}) {override}VALUES (?, 'mails', ?)",
            key,
            number,
        )
    with Outbox.builder(bench.database.url).queue("mails", 4).enqueue_only().open() as mails:
        mails.enqueue_now("mails", "theirs", partition=0)
    assert not handle.healthy()
    assert delivered == ["before"]

    # As if the dump had been restored.
    bench.database.execute(f"UPDATE outbox_partitions SET queue = '{QUEUE}'")
    eventually(handle.healthy)
