"""Connections that die, and servers that are not what they were."""

from __future__ import annotations

import time
from typing import Any

import pytest

from outbox import Outbox
from outbox.backends.mysql import load_driver
from outbox.backends.mysql.sources import TRUSTED_FOR
from outbox.backends.protocol import Backend
from outbox.errors import ConnectionLost, DatabaseError, OutboxError, ReadOnlyServer
from tests.mysql.conftest import Opener
from tests.support import Database, PrivateServer, eventually

pytestmark = pytest.mark.backends("mysql", "mariadb")


def kill_sessions(database: Database) -> None:
    """Kill the sessions that the library has open in this database."""
    mine = "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
    with database.session() as session:
        for (number,) in session.query(mine):
            session.execute(f"KILL {number}")


def fill_pool(store: Backend, size: int) -> None:
    """Have as many connections open at once."""
    if size:
        with store.connection():
            fill_pool(store, size - 1)


def test_after_one_lost_connection_the_other_dead_ones_are_noticed_before_use(
    store: Backend, ids: list[int], migrated: Database
) -> None:
    fill_pool(store, 5)
    kill_sessions(migrated)
    with pytest.raises(ConnectionLost):
        store.pending(ids)
    fill_pool(store, 5)
    assert store.pending(ids) == []


def test_a_connection_that_was_idle_for_long_is_tried_before_use(
    migrated: Database, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = opened(migrated.url, pool_size=1)
    ids = store.register_queue("orders", 2)
    kill_sessions(migrated)
    monkeypatch.setattr(store._source, "_clock", lambda: time.monotonic() + TRUSTED_FOR + 1)
    assert store.pending(ids) == []


def test_a_turn_whose_connection_dies_says_so_and_its_connection_is_not_used_again(
    store: Backend, migrated: Database
) -> None:
    with pytest.raises(ConnectionLost), store.connection() as connection:
        kill_sessions(migrated)
    with store.connection() as other:
        assert other is not connection


def test_the_backend_outlives_a_restart_of_the_server(private_server: PrivateServer, opened: Opener) -> None:
    database = private_server.new_database()
    store = opened(database.url, pool_size=3)
    ids = store.register_queue("orders", 2)
    fill_pool(store, 3)
    private_server.kill()
    with pytest.raises(ConnectionLost):
        store.pending(ids)
    with pytest.raises(ConnectionLost):
        store.sequence(ids, 10)
    private_server.start()

    def works() -> bool:
        try:
            return store.pending(ids) == [] and store.sequence(ids, 10) is not None
        except ConnectionLost:
            return False

    assert eventually(works)
    fill_pool(store, 3)


def test_a_read_only_server_is_refused_by_name(private_server: PrivateServer, opened: Opener) -> None:
    database = private_server.new_database()
    store = opened(database.url)
    store.check_server()
    database.execute("SET GLOBAL read_only = 1")
    try:
        with pytest.raises(ReadOnlyServer, match="read-only; connect to the primary"):
            store.check_server()
        with pytest.raises(ReadOnlyServer):
            opened(database.url).register_queue("orders", 1)
    finally:
        database.execute("SET GLOBAL read_only = 0")


def test_a_server_that_is_not_there_is_a_lost_connection(opened: Opener, backend: str) -> None:
    store = opened(f"{backend}://root@127.0.0.1:1/nowhere")
    with pytest.raises(ConnectionLost):
        store.check_server()


def test_a_wrong_password_is_not_worth_trying_again_and_is_not_shown(
    migrated: Database, opened: Opener
) -> None:
    import sqlalchemy

    url = sqlalchemy.make_url(migrated.url).set(username="nobody-here", password="hunter2")
    store = opened(url)
    with pytest.raises(DatabaseError) as caught:
        store.check_server()
    assert not isinstance(caught.value, ConnectionLost)
    assert "hunter2" not in str(caught.value)


def test_the_name_is_what_the_server_says(migrated: Database, opened: Opener, backend: str) -> None:
    store = opened(migrated.url.replace("mariadb:", "mysql:", 1))
    store.check_server()
    assert store.name == backend


def test_an_exhausted_pool_is_reported_and_not_waited_for_forever(
    migrated: Database, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Any = opened(migrated.url, pool_size=1)
    monkeypatch.setattr(store._source._pool, "_timeout", 0.05)
    with (
        store.connection(),
        pytest.raises(OutboxError, match="no connection available: the pool is exhausted"),
    ):
        store.pending([1])


def test_a_driver_without_its_c_extension_is_reported_once(
    migrated: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import mysql.connector

    monkeypatch.setattr(mysql.connector, "HAVE_CEXT", False)
    load_driver.cache_clear()
    try:
        for _ in range(2):
            Outbox.builder(migrated.url).queue("orders", 1).enqueue_only().open().close()
    finally:
        load_driver.cache_clear()
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "lacks its C extension" in warning.getMessage()
    assert warning.name.startswith("outbox.")
