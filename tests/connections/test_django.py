from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import django
import pytest
from django.conf import settings

from outbox import Outbox, OutboxMessage, WrongDatabase
from outbox.connections import adapt
from outbox.errors import UnsupportedConnection
from outbox.testing import drain
from tests.connections.support import (
    AWKWARD,
    PLAIN,
    Caller,
    assert_joins_the_transaction,
    enqueue,
    family,
    numbered,
    stored,
)
from tests.support import Database, Spawn
from tests.support.databases.provider import Provider

if not settings.configured:
    settings.configure(DATABASES={}, USE_TZ=True, LOGGING_CONFIG=None)
    django.setup()

from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, transaction

ENGINES = {"postgresql": "postgresql", "mysql": "mysql", "sqlite": "sqlite3"}


@contextmanager
def default_database(backend: str, url: str) -> Iterator[None]:
    """Let Django's default connection be to a database of the test."""
    parts = urlsplit(url)
    options = {
        "ENGINE": f"django.db.backends.{ENGINES[backend]}",
        "NAME": parts.path[1:],
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "USER": parts.username or "",
    }
    with suppress(AttributeError):
        del connections[DEFAULT_DB_ALIAS]
    connections.settings = connections.configure_settings({DEFAULT_DB_ALIAS: options})
    yield
    connection.close()
    del connections[DEFAULT_DB_ALIAS]


@pytest.fixture(autouse=True)
def _django_uses_the_database(tables: Database) -> Iterator[None]:
    with default_database(family(tables), tables.url):
        yield


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def manual_caller() -> Caller:
    """Return an application that has turned Django's autocommit off."""
    transaction.set_autocommit(False)

    def state() -> list[Any]:
        names = ("autocommit", "in_atomic_block", "needs_rollback", "closed_in_transaction")
        return [getattr(connection, name) for name in names]

    return Caller(connection, run, connection.commit, connection.rollback, state)


def test_a_connection_with_autocommit_off_takes_messages(tables: Database) -> None:
    assert_joins_the_transaction(tables, manual_caller())


def test_the_connection_itself_serves_as_well_as_its_proxy(tables: Database) -> None:
    caller = manual_caller()
    caller.given = connections[DEFAULT_DB_ALIAS]
    assert_joins_the_transaction(tables, caller)


def test_a_query_log_takes_the_statements(tables: Database) -> None:
    connection.force_debug_cursor = True
    try:
        assert_joins_the_transaction(tables, manual_caller())
        assert any("outbox_body" in query["sql"] for query in connection.queries)
    finally:
        connection.force_debug_cursor = False
        connection.queries_log.clear()


def test_an_atomic_block_takes_messages(tables: Database) -> None:
    assert not adapt(connection).in_transaction()
    with transaction.atomic():
        assert adapt(connection).in_transaction()
        ids = [*enqueue(connection, PLAIN), *enqueue(connection, *numbered(2))]
        assert stored(tables) == []
    assert [number for number, _ in stored(tables)] == ids
    assert not adapt(connection).in_transaction()


def test_a_rolled_back_inner_block_takes_its_messages_and_no_others(tables: Database) -> None:
    seen: list[str] = []
    with transaction.atomic():
        (kept,) = enqueue(connection, PLAIN)
        adapt(connection).on_commit(lambda: seen.append("kept"))
        with pytest.raises(ZeroDivisionError):
            fail_in_an_inner_block(seen)
    assert stored(tables) == [(kept, PLAIN)]
    assert seen == ["kept"]


def fail_in_an_inner_block(seen: list[str]) -> None:
    with transaction.atomic():
        enqueue(connection, *numbered(3))
        adapt(connection).on_commit(lambda: seen.append("undone"))
        raise ZeroDivisionError


def test_the_callback_comes_once_and_after_the_commit(tables: Database) -> None:
    seen: list[int] = []
    with transaction.atomic():
        enqueue(connection, PLAIN)
        assert adapt(connection).on_commit(lambda: seen.append(len(stored(tables))))
        assert seen == []
    with transaction.atomic():
        run("INSERT INTO orders VALUES (1)")
    assert seen == [1]


def test_a_rollback_forgets_the_callback(tables: Database) -> None:
    seen: list[str] = []
    with pytest.raises(ZeroDivisionError):
        fail_in_an_inner_block(seen)
    assert stored(tables) == []
    assert seen == []


def test_with_autocommit_off_nothing_tells_of_the_commit(tables: Database) -> None:
    transaction.set_autocommit(False)
    assert not adapt(connection).on_commit(lambda: None)


def test_a_callback_that_fails_does_not_fail_the_commit(
    tables: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction.atomic():
        enqueue(connection, PLAIN)
        adapt(connection).on_commit(lambda: 1 / 0)
    assert len(stored(tables)) == 1
    assert "ZeroDivisionError" in caplog.text


def test_a_failed_statement_is_djangos_own_error(tables: Database) -> None:
    tables.execute("DROP TABLE outbox_incoming")
    with pytest.raises(DatabaseError, match="outbox_incoming"), transaction.atomic():
        enqueue(connection, PLAIN)
    assert tables.count("outbox_body") == 0


@pytest.mark.backends("sqlite")
def test_a_cache_is_no_connection() -> None:
    with pytest.raises(UnsupportedConnection, match="ConnectionProxy"):
        adapt(cache)


@pytest.mark.mp
@pytest.mark.backends("postgresql")
def test_django_on_psycopg2_takes_messages(tables: Database, spawn: Spawn) -> None:
    spawn(enqueue_with_django_on_psycopg2, tables.url).succeed()
    assert [message for _, message in stored(tables)] == [PLAIN, *AWKWARD]


def enqueue_with_django_on_psycopg2(url: str) -> None:
    """Run in a process of its own: Django decides for a driver once."""
    sys.modules["psycopg"] = None  # type: ignore[assignment]
    with default_database("postgresql", url):
        with transaction.atomic():
            enqueue(connection, PLAIN)
            enqueue(connection, *AWKWARD)
        assert type(connection.connection).__module__.startswith("psycopg2")


def test_a_connection_to_another_database_than_the_outboxs_is_refused(
    tables: Database, provider: Provider
) -> None:
    other = provider.migrated()
    try:
        with Outbox.builder(other.url).queue("orders", 1).enqueue_only().open() as box:
            for _ in range(2):
                with (
                    transaction.atomic(),
                    pytest.raises(WrongDatabase, match="this Django connection leads to"),
                ):
                    box.enqueue(connection, "orders", 1)
        with Outbox.builder(tables.url).queue("orders", 1).enqueue_only().open() as box, transaction.atomic():
            box.enqueue(connection, "orders", 1)
        assert tables.count("outbox_body") == 1
    finally:
        provider.recycle(other)


def test_a_test_case_delivers_in_its_own_transaction(tables: Database) -> None:
    got: list[Any] = []

    def audit(conn: Any, msg: OutboxMessage) -> None:
        run("INSERT INTO orders (id) VALUES (7)")
        got.append(msg.json())
        if msg.json() == "fails":
            raise ValueError("no")

    builder = Outbox.builder(tables.url).queue("audit", 1).transactional(audit, max_attempts=1)
    builder = builder.queue("mails", 2).leased(lambda msg: got.append(msg.json()))
    with builder.open() as box, transaction.atomic():
        for queue, payload in (("audit", "works"), ("audit", "fails"), ("mails", {"to": "anna"})):
            box.enqueue(connection, queue, payload)
        counts = drain(box, conn=connection)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM orders")
            assert cursor.fetchone() == (1,)
        transaction.set_rollback(True)
    assert (counts.processed, counts.dead_lettered, counts.left) == (3, 1, 0)
    assert sorted(map(str, got)) == ["fails", "works", "{'to': 'anna'}"]
    assert not any(
        tables.count(f"outbox_{name}") for name in ("body", "incoming", "outgoing", "dead_letters")
    )
    assert tables.count("orders") == 0
