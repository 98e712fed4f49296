"""What the doctor finds wrong with drivers, servers and connections, each brought about for real."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from outbox.backends.sqlite.server import wal_is_unsafe
from tests.acceptance.bench import Bench
from tests.acceptance.cli.shell import Done, Shell
from tests.budgets.wire.wiretap import tapped
from tests.support import Database, PrivateServer

SERVERS = pytest.mark.backends("postgresql", "mysql", "mariadb")
SKEWED = """
import time

right = time.time
time.time = lambda: right() - 90
"""
BUILDER = """
from outbox import Outbox

def builder(url):
    return Outbox.builder(url).processors(500).queue("orders", 4).leased(print)
"""


def finding(shell: Callable[..., Done], check: str, *words: str, **environment: str) -> dict[str, Any]:
    """Return what the doctor says of one thing; whatever is not well comes with an advice."""
    done = shell("doctor", "--json", *words, **environment)
    rows = json.loads(done.stdout)
    assert done.returncode == int(any(row["level"] == "problem" for row in rows)), done.stderr
    (found,) = (row for row in rows if row["check"] == check)
    assert bool(found["advice"]) == (found["level"] in {"warning", "problem"})
    return dict(found)


@pytest.mark.backends("postgresql")
def test_a_driver_without_its_c_code_is_reported(shell: Shell) -> None:
    found = finding(shell.process, "driver", PSYCOPG_IMPL="python")

    assert (found["level"], "(python)" in found["text"]) == ("warning", True)
    assert "psycopg[binary]" in found["advice"]
    assert finding(shell, "driver")["level"] == "ok"


@pytest.mark.backends("mysql", "mariadb")
def test_a_driver_whose_c_extension_cannot_be_loaded_is_reported(shell: Shell) -> None:
    assert finding(shell, "driver")["level"] == "ok"
    shell.module("_mysql_connector", "raise ImportError('libssl.so.3: version not found')")

    found = finding(shell.process, "driver")

    assert (found["level"], "without its C extension" in found["text"]) == ("warning", True)
    assert "mysql-connector-python<26" in found["advice"]


@pytest.mark.backends("sqlite")
def test_a_version_of_sqlite_that_can_lose_data_is_reported(shell: Shell) -> None:
    found = finding(shell, "server")

    assert sqlite3.sqlite_version in found["text"]
    assert found["level"] == ("warning" if wal_is_unsafe(sqlite3.sqlite_version_info) else "ok")


@pytest.mark.backends("sqlite")
def test_another_journal_mode_is_reported_and_what_is_advised_helps(shell: Shell, migrated: Database) -> None:
    migrated.query("PRAGMA journal_mode = DELETE")

    found = finding(shell, "journal")
    assert (found["level"], "mode delete" in found["text"]) == ("warning", True)

    assert found["advice"] == "run: outbox schema migrate"
    assert shell("schema", "migrate").returncode == 0
    assert finding(shell, "journal")["level"] == "ok"


@SERVERS
def test_a_clock_that_differs_from_the_servers_is_reported(shell: Shell) -> None:
    assert finding(shell, "clock")["level"] == "ok"
    shell.module("sitecustomize", SKEWED)

    found = finding(shell.process, "clock")

    assert found["level"] == "warning"
    assert found["text"].startswith(("the server is 90.", "the server is 89."))
    assert found["text"].endswith("s ahead of this machine")
    assert "NTP" in found["advice"]


@SERVERS
def test_more_threads_than_the_server_has_connections_are_reported(shell: Shell, bench: Bench) -> None:
    shell.module("shop_app", BUILDER)

    found = finding(shell, "connections", "--builder", "shop_app:builder")

    assert found["level"] == "warning"
    assert "a process with 500 processors takes up to 50" in found["text"]
    assert "max_connections" in found["advice"]


@pytest.mark.backends("postgresql")
def test_notifications_that_do_not_arrive_are_reported(migrated: Database, tmp_path: Path) -> None:
    with tapped(migrated.url) as wire:
        assert wire.proxy
        shell = Shell(wire.url, tmp_path)
        assert finding(shell, "wake-ups")["level"] == "ok"
        # As behind a pooler in transaction mode.
        wire.proxy.lose_notifications = True

        found = finding(shell, "wake-ups")

    assert (found["level"], "do not arrive" in found["text"]) == ("warning", True)
    assert "listen_url" in found["advice"]


LISTENING_APART = """
from outbox import Outbox

def builder(url):
    return Outbox.builder(url).wakeup({how}).queue("orders", 4).leased(print)
"""


@pytest.mark.backends("postgresql")
def test_the_doctor_listens_where_the_builder_says(migrated: Database, tmp_path: Path) -> None:
    with tapped(migrated.url) as wire:
        assert wire.proxy
        wire.proxy.lose_notifications = True
        shell = Shell(wire.url, tmp_path)
        shell.module("apart", LISTENING_APART.format(how=f"'auto', listen_url={migrated.url!r}"))
        shell.module("polling", LISTENING_APART.format(how="'poll'"))

        assert finding(shell, "wake-ups", "--builder", "apart:builder")["level"] == "ok"
        assert "poll" in finding(shell, "wake-ups", "--builder", "polling:builder")["text"]


@pytest.mark.slow
@pytest.mark.backends("mysql")
def test_a_binary_log_of_statements_is_a_problem(private_server: PrivateServer, tmp_path: Path) -> None:
    database = private_server.new_database()
    shell = Shell(database.url, tmp_path)
    assert finding(shell, "binary log")["level"] == "ok"
    database.execute("SET GLOBAL binlog_format = 'STATEMENT'")
    try:
        found = finding(shell, "binary log")
    finally:
        database.execute("SET GLOBAL binlog_format = 'ROW'")

    assert (found["level"], "STATEMENT" in found["text"]) == ("problem", True)
    assert "ROW" in found["advice"]


def test_a_migration_of_a_newer_release_is_reported(database: Database, tmp_path: Path) -> None:
    shell = Shell(database.url, tmp_path)
    assert shell("schema", "migrate").returncode == 0
    database.execute("INSERT INTO outbox_migrations (name) VALUES ('9999_of_tomorrow')")

    found = finding(shell, "schema")

    assert (found["level"], "9999_of_tomorrow" in found["text"]) == ("warning", True)
    assert "upgrade this installation" in found["advice"]


@pytest.mark.slow
@SERVERS
def test_tables_that_may_not_be_compared_are_no_reason_to_fail(
    private_server: PrivateServer, tmp_path: Path
) -> None:
    database = private_server.new_database()
    on_postgres = database.backend == "postgresql"
    name = database.url.rpartition("/")[2].partition("?")[0]
    for statement in RIGHTS[on_postgres]:
        database.execute(statement.format(name=name))
    account, _, rest = database.url.rpartition("@")
    shell = Shell(f"{account.partition('://')[0]}://poor@{rest}", tmp_path)

    found = finding(shell, "drift")

    assert (found["level"], "could not be compared" in found["text"]) == ("warning", True)
    assert "temporary tables" in found["advice"]


RIGHTS = {
    True: [
        "CREATE ROLE poor LOGIN",
        "REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO poor",
    ],
    False: ["CREATE USER poor", "GRANT SELECT ON {name}.* TO poor"],
}
