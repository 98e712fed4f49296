"""Servers, databases and roles with settings that would change what a statement means or costs."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

import outbox
from outbox import ConfigurationError, Outbox, ReadOnlyServer
from outbox.backends.connect import open_backend
from outbox.backends.postgresql import idleness
from outbox.grants import grants
from outbox.statements import Naming
from tests.acceptance.cli.shell import Shell
from tests.support import Database, PrivateServer

pytestmark = pytest.mark.backends("postgresql")

HOSTILE = {
    "default_transaction_isolation": "serializable",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "enable_nestloop": "off",
    "enable_indexscan": "off",
    "enable_tidscan": "off",
    "jit_above_cost": "0",
    "plan_cache_mode": "force_generic_plan",
}


@contextmanager
def own_url(database: Database) -> Iterator[Any]:
    yield database.url


@contextmanager
def engine(database: Database) -> Iterator[Any]:
    yield database.engine()


@contextmanager
def pool(database: Database) -> Iterator[Any]:
    with ConnectionPool(database.url, min_size=1, max_size=12) as made:
        yield made


KINDS = pytest.mark.parametrize("kind", [own_url, engine, pool])
Kind = Callable[[Database], Any]


def set_up(database: Database, settings: dict[str, str]) -> None:
    name = database.value("SELECT current_database()")
    for setting, value in settings.items():
        database.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'")


@KINDS
def test_everything_is_delivered_whatever_the_database_sets(database: Database, kind: Kind) -> None:
    outbox.migrate(database.url)
    set_up(database, HOSTILE)
    seen: queue.Queue[str] = queue.Queue()
    with kind(database) as target:
        builder = Outbox.builder(target)
        builder.queue("leased", 2).leased(lambda msg: seen.put("leased"))
        builder.queue("transactional", 2).transactional(lambda _conn, msg: seen.put("transactional"))
        with builder.start() as handle:
            for _ in range(5):
                handle.outbox.enqueue_now("leased", 1)
                handle.outbox.enqueue_now("transactional", 1)
            found = [seen.get(timeout=20) for _ in range(10)]
            assert handle.healthy()
            assert handle.stats().failing == {}
    assert sorted(found) == ["leased"] * 5 + ["transactional"] * 5
    assert database.count("outbox_dead_letters") == 0


@KINDS
def test_own_statements_are_read_committed_and_the_users_sessions_stay_as_they_were(
    database: Database, kind: Kind
) -> None:
    outbox.migrate(database.url)
    set_up(database, HOSTILE)
    with kind(database) as target:
        backend = open_backend(target, naming=Naming(), pool_size=2)
        try:
            for acquire in (backend.reading, backend.writing):
                with acquire() as connection:
                    [level] = connection.execute("SHOW transaction_isolation").fetchone()
                    [nulls] = connection.execute("SHOW array_nulls").fetchone()
                assert (level, nulls) == ("read committed", "on")
        finally:
            backend.close()
        if kind is not own_url:
            look = target.connect() if kind is engine else target.connection()
            with look as conn:
                ask = conn.exec_driver_sql if kind is engine else conn.execute
                assert ask("SHOW transaction_isolation").fetchone()[0] == "serializable"
                assert ask("SHOW array_nulls").fetchone()[0] == "off"


@KINDS
def test_a_database_that_is_set_to_take_no_writes_is_refused_with_the_settings_name(
    database: Database, kind: Kind
) -> None:
    outbox.migrate(database.url)
    set_up(database, {"default_transaction_read_only": "on"})
    with kind(database) as target, pytest.raises(ReadOnlyServer, match="default_transaction_read_only"):
        Outbox.builder(target).queue("orders", 1).leased(lambda msg: None).start()


@KINDS
def test_a_producer_that_was_quiet_for_longer_than_the_server_allows_enqueues(
    database: Database, kind: Kind
) -> None:
    outbox.migrate(database.url)
    with kind(database) as target, Outbox.builder(target).queue("orders", 1).enqueue_only().open() as box:
        box.enqueue_now("orders", 1)
        # As an idle_session_timeout, an administrator and most balancers do.
        database.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert box.enqueue_now("orders", 2)


@KINDS
def test_a_connection_that_was_idle_for_long_is_asked_before_it_is_used(
    database: Database, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.migrate(database.url)
    asked: list[object] = []
    check = ConnectionPool.check_connection
    monkeypatch.setattr(
        ConnectionPool, "check_connection", staticmethod(lambda conn: (asked.append(conn), check(conn)))
    )
    with kind(database) as target, Outbox.builder(target).queue("orders", 1).enqueue_only().open() as box:
        box.enqueue_now("orders", 1)
        box.enqueue_now("orders", 2)
        assert asked == []
        monkeypatch.setattr(idleness, "TRUSTED_FOR", -1.0)
        box.enqueue_now("orders", 3)
    assert asked


def test_own_sessions_notice_a_dead_peer_on_both_sides(database: Database) -> None:
    outbox.migrate(database.url)
    backend = open_backend(database.url, naming=Naming(), pool_size=1)
    try:
        with backend.reading() as connection:
            parameters = connection.info.get_parameters()
            asked = {
                name: connection.execute(f"SHOW {name}").fetchone()[0]
                for name in ("tcp_keepalives_idle", "tcp_user_timeout", "client_connection_check_interval")
            }
    finally:
        backend.close()
    assert parameters["keepalives_idle"] == "10"
    assert parameters["tcp_user_timeout"] == "25000"
    assert asked["client_connection_check_interval"] == "2s"
    assert asked["tcp_keepalives_idle"] in {"10", "0"}  # 0: a Unix socket has none


def test_row_level_security_without_a_policy_is_refused_and_with_one_it_is_told(
    private_server: PrivateServer, tmp_path: Path
) -> None:
    database = private_server.new_database()
    limited = database.url.replace("://outbox@", "://limited@")
    for command in (
        "CREATE ROLE limited LOGIN",
        *grants("postgresql", "worker", "limited"),
        "ALTER TABLE outbox_incoming ENABLE ROW LEVEL SECURITY",
    ):
        database.execute(command)
    with pytest.raises(ConfigurationError, match="row-level security shows this user no row"):
        Outbox.builder(limited).queue("orders", 1).enqueue_only().open()
    found = Shell(limited, tmp_path)("doctor")
    assert "no policy shows this user a row of outbox_incoming" in found.stdout
    database.execute("CREATE POLICY all_rows ON outbox_incoming USING (true) WITH CHECK (true)")
    with Outbox.builder(limited).queue("orders", 1).enqueue_only().open() as box:
        box.enqueue_now("orders", 1)
    assert "policies decide which rows of outbox_incoming" in Shell(limited, tmp_path)("doctor").stdout
