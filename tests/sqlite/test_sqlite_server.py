from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable

import pytest

from outbox.backends.sqlite import SqliteBackend
from outbox.backends.sqlite.server import wal_is_unsafe, warn_of_wal
from outbox.errors import ReadOnlyServer, UnsupportedServer
from tests.support import Database

pytestmark = pytest.mark.backends("sqlite")
Open = Callable[..., SqliteBackend]


def pretend(monkeypatch: pytest.MonkeyPatch, *version: int) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    monkeypatch.setattr(sqlite3, "sqlite_version", ".".join(map(str, version)))


def test_a_sqlite_without_returning_is_refused(store: SqliteBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 3, 34, 1)

    with pytest.raises(UnsupportedServer, match=r"3\.35"):
        store.check_server()


@pytest.mark.parametrize(
    ("version", "unsafe"),
    [
        ((3, 35, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_the_versions_with_the_wal_fault_are_known(version: tuple[int, int, int], unsafe: bool) -> None:
    assert wal_is_unsafe(version) is unsafe


def test_an_unsafe_version_is_warned_of_once_and_only_with_several_connections(
    open_sqlite: Open, migrated: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_wal.cache_clear()
    pretend(monkeypatch, 3, 51, 2)

    with caplog.at_level(logging.WARNING, "outbox.backends.sqlite"):
        open_sqlite(migrated.url, pool_size=1).check_server()
        assert caplog.messages == []
        for _ in range(2):
            open_sqlite(migrated.url, pool_size=2).check_server()

    (message,) = caplog.messages
    assert "3.51.2" in message
    assert "3.51.3" in message
    warn_of_wal.cache_clear()


def test_a_migrated_file_that_left_wal_mode_is_warned_of(
    open_sqlite: Open, migrated: Database, caplog: pytest.LogCaptureFixture
) -> None:
    migrated.query("PRAGMA journal_mode = DELETE")

    with caplog.at_level(logging.WARNING, "outbox.backends.sqlite"):
        backend = open_sqlite(migrated.url, pool_size=1)
        backend.check_server()
        assert "journal mode delete" in caplog.text
        backend.migrate([])
    assert migrated.value("PRAGMA journal_mode") == "wal"


def test_a_new_file_is_not_warned_of(
    open_sqlite: Open, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    open_sqlite(database.url, pool_size=1).check_server()

    assert caplog.messages == []


def test_a_database_that_takes_no_writes_is_read_only(open_sqlite: Open, migrated: Database) -> None:
    path = migrated.url.removeprefix("sqlite:///")

    with pytest.raises(ReadOnlyServer):
        open_sqlite(f"sqlite:///file:{path}?mode=ro&uri=true").check_server()


def test_a_busy_database_passes_the_check(open_sqlite: Open, migrated: Database) -> None:
    backend = open_sqlite(f"{migrated.url}?timeout=0.01", pool_size=1)
    with open_sqlite(migrated.url).connection():
        backend.check_server()
