"""What was delivered stays for a time, and can be delivered again."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from outbox import (
    ConfigurationError,
    Outbox,
    OutboxBuilder,
    OutboxMessage,
    PartitionOutOfRange,
    QueueNotRegistered,
    Reject,
)
from outbox.testing import drain
from tests.support import Database, eventually

HOUR = 3600


def declared(database: Database, keep: float | None, seen: list[OutboxMessage]) -> OutboxBuilder:
    def note(message: OutboxMessage) -> Reject | None:
        seen.append(message)
        return Reject("bad") if message.json() == "bad" else None

    builder = Outbox.builder(database.url).poll_interval(0.2)
    return (
        builder.queue("orders", 2)
        .leased(note, keep=keep)
        .queue("others", 1)
        .transactional(lambda _, message: note(message))
    )


def let_an_hour_pass(database: Database) -> None:
    database.execute("UPDATE outbox_history SET delivered_by = ?", database.long_ago)
    database.execute(
        "UPDATE outbox_vacuum SET rests_until = ? WHERE rests_until IS NOT NULL", database.long_ago
    )


def test_what_was_delivered_is_there_until_its_time_has_passed(migrated: Database) -> None:
    with declared(migrated, HOUR, []).open() as outbox:
        for n in range(3):
            outbox.enqueue_now("orders", n, partition=0)
        outbox.enqueue_now("others", "gone")
        assert drain(outbox).vacuumed == 1
        ids = [row.partition_id for row in outbox.status().partitions]
        # Until then nothing is to be done, and no poll finds it so.
        assert [row for row in outbox.backend.pending(ids) if row.dirty] == []
        assert [row.kept for row in outbox.status().partitions] == [3, 0, 0]
        let_an_hour_pass(migrated)
        outbox.enqueue_now("orders", 3, partition=0)
        assert drain(outbox).vacuumed == 3
        assert [message.json() for message in outbox.history("orders")] == [3]
        let_an_hour_pass(migrated)
        drain(outbox)
        assert outbox.history("orders") == []
    assert migrated.count("outbox_body") == migrated.count("outbox_outgoing") == 0


def test_history_is_newest_first_and_finds_by_key_and_time(migrated: Database) -> None:
    with declared(migrated, HOUR, []).open() as outbox:
        for n in range(4):
            outbox.enqueue_now("orders", n, key=f"k{n % 2}", headers={"trace": str(n)})
        outbox.enqueue_now("orders", "bad", key="k0")
        drain(outbox)
        found = outbox.history("orders", limit=3)
        assert [message.json() for message in found] == [3, 2, 1]
        assert found[0].headers["trace"] == "3"
        assert [message.json() for message in outbox.history("orders", key="k1")] == [3, 1]
        now = datetime.now(timezone.utc)
        assert outbox.history("orders", since=now + timedelta(hours=1)) == []
        assert len(outbox.history("orders", since=now - timedelta(hours=1))) == 4
        # Nothing that waits was delivered.
        outbox.enqueue_now("orders", 9)
        assert len(outbox.history("orders")) == 4


def test_a_range_is_delivered_again_in_order_under_new_names_that_tell_the_old(migrated: Database) -> None:
    seen: list[OutboxMessage] = []
    with declared(migrated, HOUR, seen).open() as outbox:
        for value in (1, 2, "bad", 3):
            outbox.enqueue_now("orders", value, partition=1, headers={"trace": "f00d"})
        drain(outbox)
        old = list(seen)
        seen.clear()
        assert outbox.redeliver("orders", 1, 2) == 2
        assert outbox.redeliver("orders", 1, 1, 1) == 1
        drain(outbox)
        assert [message.json() for message in seen] == [2, 3, 1]
        assert [message.origin for message in seen] == [old[1].uid, old[3].uid, old[0].uid]
        assert [message.seq for message in seen] == [5, 6, 7]
        assert seen[0].headers["trace"] == "f00d"
        assert {message.uid for message in seen}.isdisjoint(message.uid for message in old)


def test_what_is_not_kept_is_not_delivered_again(migrated: Database) -> None:
    with declared(migrated, None, []).open() as outbox:
        outbox.enqueue_now("orders", 1, partition=0)
        assert drain(outbox).vacuumed == 1
        with pytest.raises(ConfigurationError, match="what is kept of this partition begins with 2"):
            outbox.redeliver("orders", 0, 1)
        with pytest.raises(PartitionOutOfRange):
            outbox.redeliver("orders", 2, 1)
        with pytest.raises(QueueNotRegistered):
            outbox.history("nothing")
        assert outbox.redeliver("orders", 0, 2) == 0


def test_the_setting_stays_until_it_is_changed(migrated: Database) -> None:
    with declared(migrated, HOUR, []).open() as outbox:
        outbox.enqueue_now("orders", 1, partition=0)
        drain(outbox)
    with declared(migrated, None, []).open() as outbox:
        assert drain(outbox).vacuumed == 0
    with declared(migrated, 0, []).open() as outbox:
        assert drain(outbox).vacuumed == 1
    assert migrated.count("outbox_history") == 0


def test_the_vacuum_thread_deletes_when_the_time_has_passed(migrated: Database) -> None:
    with declared(migrated, 0.1, []).start() as handle:
        handle.outbox.enqueue_now("orders", 1)
        eventually(lambda: handle.stats().counters.get("processed") == 1)
        eventually(lambda: migrated.count("outbox_body") == 0, timeout=20)
