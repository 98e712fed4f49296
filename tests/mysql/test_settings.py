"""Servers and users with settings that refuse statements or cut their results."""

from __future__ import annotations

import queue
from typing import Any

import pytest
import sqlalchemy

import outbox
from outbox import Outbox
from outbox.backends.mysql import sources
from outbox.backends.protocol import Backend
from tests.support import Database

pytestmark = pytest.mark.backends("mysql", "mariadb")

HOSTILE = (
    "SET sql_safe_updates = 1, sql_select_limit = 1, max_join_size = 1, sql_big_selects = 0, "
    "lock_wait_timeout = 31536000, wait_timeout = 3"
)
KEPT = "SELECT @@sql_safe_updates, @@sql_select_limit, @@sql_big_selects"


def hostile_engine(database: Database) -> sqlalchemy.Engine:
    engine = database.engine()

    @sqlalchemy.event.listens_for(engine, "connect")
    def _(connection: Any, _: object) -> None:
        connection.cursor().execute(HOSTILE)

    return engine


@pytest.mark.parametrize("kind", ["url", "engine"])
def test_everything_is_delivered_whatever_the_server_sets(database: Database, kind: str) -> None:
    outbox.migrate(database.url)
    engine = hostile_engine(database)
    seen: queue.Queue[str] = queue.Queue()
    builder = Outbox.builder(f"{database.url}?init_command={HOSTILE}" if kind == "url" else engine)
    builder.queue("leased", 2).leased(lambda msg: seen.put("leased"))
    builder.queue("transactional", 2).transactional(lambda _conn, msg: seen.put("transactional"))
    with builder.start() as handle:
        for _ in range(5):
            handle.outbox.enqueue_now("leased", 1)
            handle.outbox.enqueue_now("transactional", 1)
        found = [seen.get(timeout=20) for _ in range(10)]
        assert handle.stats().failing == {}
    assert sorted(found) == ["leased"] * 5 + ["transactional"] * 5
    with engine.connect() as connection:
        assert tuple(connection.exec_driver_sql(KEPT).one()) == (1, 1, 0)


def test_own_sessions_wait_for_no_lock_and_no_silent_machine_for_hours(store: Backend) -> None:
    with store.reading() as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT @@wait_timeout, @@lock_wait_timeout, @@innodb_lock_wait_timeout")
        idle, tables, rows = cursor.fetchone()
    assert idle == 600
    assert tables <= 50
    assert rows <= 50


@pytest.mark.parametrize("kind", ["url", "engine"])
def test_a_producer_that_was_quiet_for_longer_than_the_server_allows_enqueues(
    migrated: Database, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = migrated.url if kind == "url" else migrated.engine()
    with Outbox.builder(target).queue("orders", 1).enqueue_only().open() as box:
        box.enqueue_now("orders", 1)
        monkeypatch.setattr(sources, "TRUSTED_FOR", -1.0)
        monkeypatch.setattr(sources, "ENGINE_TRUSTED_FOR", -1.0)
        name = migrated.value("SELECT DATABASE()")
        found = migrated.query(
            "SELECT id FROM information_schema.processlist WHERE db = ? AND id <> CONNECTION_ID()", name
        )
        for (session,) in found:
            migrated.execute(f"KILL {session}")
        assert box.enqueue_now("orders", 2)
