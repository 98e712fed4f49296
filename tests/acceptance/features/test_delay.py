"""Messages that are not delivered before they are due."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from outbox import ConfigurationError, EnqueueMessage, Outbox, OutboxBuilder, OutboxMessage
from outbox.doctor.checks.delayed import examine
from outbox.doctor.patient import Patient
from outbox.testing import drain
from tests.support import Database, eventually

HOUR = timedelta(hours=1)


def declared(database: Database, seen: list[object]) -> OutboxBuilder:
    def note(message: OutboxMessage) -> None:
        seen.append(message.json())

    builder = Outbox.builder(database.url).poll_interval(0.2)
    return builder.queue("orders", 2).leased(note)


def let_pass(database: Database, seconds: int) -> None:
    """Let time pass for what is delayed."""
    earlier = {
        "sqlite": "due_at - ? * 1000000",
        "postgresql": "due_at - ? * interval '1 second'",
    }.get(database.backend, "due_at - INTERVAL ? SECOND")
    database.execute(f"UPDATE outbox_delayed SET due_at = {earlier}", seconds)


def test_a_message_comes_when_it_is_due_and_not_earlier(migrated: Database) -> None:
    seen: list[object] = []
    with declared(migrated, seen).open() as outbox:
        outbox.enqueue_now("orders", "later", partition=0, deliver_after=HOUR)
        outbox.enqueue_now("orders", "now", partition=0)
        counts = drain(outbox)
        assert (seen, counts.left, counts.delayed) == (["now"], 0, 1)
        let_pass(migrated, 3601)
        assert drain(outbox).delayed == 0
        assert seen == ["now", "later"]
        assert drain(outbox).processed == 0
    assert [migrated.count(f"outbox_{table}") for table in ("delayed", "outgoing", "body")] == [0, 0, 0]


def test_the_order_is_that_of_becoming_due(migrated: Database) -> None:
    seen: list[object] = []
    with declared(migrated, seen).open() as outbox:
        delays = [30, 10, None, 20, 10.5]
        with outbox.transaction() as conn:
            items = [EnqueueMessage(delay, partition=1, deliver_after=delay) for delay in delays]
            ids = outbox.enqueue_batch(conn, "orders", items)
        assert len(set(ids)) == 5
        let_pass(migrated, 25)
        drain(outbox)
        assert seen == [None, 10, 10.5, 20]
        let_pass(migrated, 25)
        drain(outbox)
        assert seen == [None, 10, 10.5, 20, 30]


def test_more_than_a_pass_moves_comes_in_order(migrated: Database) -> None:
    seen: list[object] = []
    with declared(migrated, seen).open() as outbox:
        with outbox.transaction() as conn:
            items = [
                EnqueueMessage(n, partition=0, deliver_after=timedelta(seconds=3600 - n)) for n in range(1200)
            ]
            outbox.enqueue_batch(conn, "orders", items)
        let_pass(migrated, 3700)
        drain(outbox)
    assert seen == list(range(1199, -1, -1))


def test_a_time_is_an_instant_whatever_its_zone(migrated: Database) -> None:
    seen: list[object] = []
    now = datetime.now(timezone(timedelta(hours=-7)))
    with declared(migrated, seen).open() as outbox:
        outbox.enqueue_now("orders", "past", deliver_after=now - HOUR)
        outbox.enqueue_now("orders", "long past", deliver_after=datetime(1961, 4, 12, tzinfo=timezone.utc))
        outbox.enqueue_now("orders", "future", deliver_after=now + HOUR)
        outbox.enqueue_now("orders", "far", deliver_after=datetime(9000, 1, 1, tzinfo=timezone.utc))
        assert drain(outbox).delayed == 2
        assert sorted(map(str, seen)) == ["long past", "past"]
        let_pass(migrated, 3601)
        drain(outbox)
        assert seen[-1] == "future"


def test_workers_deliver_what_becomes_due(migrated: Database) -> None:
    seen: list[object] = []
    with declared(migrated, seen).start() as handle:
        handle.outbox.enqueue_now("orders", "soon", deliver_after=0.3)
        handle.outbox.enqueue_now("orders", "now", deliver_after=0)
        assert eventually(lambda: seen == ["now", "soon"])


def test_a_rollback_takes_the_delayed_message_along(migrated: Database) -> None:
    with declared(migrated, []).open() as outbox:
        connection = migrated.connect()
        outbox.enqueue(connection, "orders", 1, deliver_after=1)
        connection.rollback()
        assert migrated.count("outbox_delayed") == migrated.count("outbox_body") == 0


def test_the_status_counts_them_apart_and_the_doctor_finds_what_nothing_sequences(migrated: Database) -> None:
    with declared(migrated, []).open() as outbox:
        outbox.enqueue_now("orders", 1, partition=1, deliver_after=HOUR)
        first, second = outbox.status().partitions
        assert (first.delayed, second.delayed, second.incoming, second.state) == (0, 1, 0, "idle")
        assert (second.oldest_age, second.overdue) == (None, None)
        assert examine(Patient(outbox.backend, migrated.url)) == []
        let_pass(migrated, 3700)
        overdue = outbox.status().partitions[1].overdue
        assert overdue is not None
        assert 99 < overdue < 200
        [finding] = examine(Patient(outbox.backend, migrated.url))
        assert "1 partition with delayed messages" in finding.text


@pytest.mark.backends("sqlite")
@pytest.mark.parametrize("wrong", [-1, float("nan"), "1h", True, datetime(2030, 1, 1)])  # noqa: DTZ001
def test_what_is_no_delay_is_refused(migrated: Database, wrong: object) -> None:
    with declared(migrated, []).open() as outbox, pytest.raises(ConfigurationError, match="deliver_after"):
        outbox.enqueue_now("orders", 1, deliver_after=wrong)  # type: ignore[arg-type]
