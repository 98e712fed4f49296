"""Servers that refuse a part of what the sequencer asks for."""

from __future__ import annotations

import logging

import pytest

import outbox
from outbox import Outbox
from tests.support import Database, eventually

pytestmark = pytest.mark.backends("postgresql")

SLOW_ROWS = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON outbox_outgoing FOR EACH ROW EXECUTE FUNCTION slow();
"""
# What the server says when a session listens and never reads, made by a function of the same name.
FULL_QUEUE = """
CREATE SCHEMA full_queue;
CREATE FUNCTION full_queue.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'too many notifications in the NOTIFY queue' USING ERRCODE = '54000'; END $$;
"""


def alter(database: Database, setting: str) -> None:
    database.execute(f"ALTER DATABASE {database.value('SELECT current_database()')} SET {setting}")


def test_a_backlog_that_is_too_large_for_the_statement_timeout_is_delivered(database: Database) -> None:
    outbox.migrate(database.url)
    seen: list[int] = []
    builder = Outbox.builder(database.url).queue("orders", 1).leased(lambda msg: seen.append(msg.json()))
    with builder.open() as box, box.transaction() as conn:
        for number in range(100):
            box.enqueue(conn, "orders", number)
    database.execute(SLOW_ROWS)
    alter(database, "statement_timeout = '700ms'")
    with builder.start() as handle:
        eventually(lambda: len(seen) == 100, timeout=40)
        assert handle.healthy()
    assert seen == list(range(100))


def test_messages_are_delivered_while_the_queue_of_notifications_is_full(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    outbox.migrate(database.url)
    database.execute(FULL_QUEUE)
    alter(database, "search_path = full_queue, public, pg_catalog")
    seen: list[int] = []
    builder = Outbox.builder(database.url).wakeup("notify").poll_interval(0.2)
    builder = builder.queue("orders", 1).leased(lambda msg: seen.append(msg.json()))
    with caplog.at_level(logging.WARNING, "outbox"), builder.start() as handle:
        for number in range(5):
            handle.outbox.enqueue_now("orders", number)
        eventually(lambda: len(seen) == 5, timeout=20)
        assert not any("sequencer" in worker for worker in handle.stats().failing)
    said = [r for r in caplog.records if "pg_notification_queue_usage" in r.getMessage()]
    assert len(said) == 1
