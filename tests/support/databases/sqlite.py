"""SQLite databases for tests: files of their own."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

from tests.support.databases.database import Database
from tests.support.databases.provider import Provider


class SqliteDatabase(Database):
    placeholder = "?"
    long_ago = 1_000_000

    def __init__(self, path: Path) -> None:
        super().__init__("sqlite", f"sqlite:///{path}")
        self.path = path

    @property
    def sqlalchemy_url(self) -> str:
        return self.url

    def _connect(self, *, autocommit: bool, **options: Any) -> Any:
        if autocommit:
            options.setdefault("isolation_level", None)
        # A test may close on the main thread what another thread used.
        options.setdefault("check_same_thread", False)
        return sqlite3.connect(self.path, **options)


class SqliteProvider(Provider):
    """Each database is a file in a folder of its own; a migrated one starts as a copy of the first."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._template: Path | None = None

    def migrated(self) -> Database:
        if self._template is None:
            first = super().migrated()
            assert isinstance(first, SqliteDatabase)
            self._template = first.path
        database = self.empty()
        assert isinstance(database, SqliteDatabase)
        shutil.copyfile(self._template, database.path)
        return database

    def _create(self, name: str) -> Database:
        folder = self._directory / name
        folder.mkdir()
        return SqliteDatabase(folder / "test.db")

    def _drop(self, database: Database) -> None:
        assert isinstance(database, SqliteDatabase)
        shutil.rmtree(database.path.parent, ignore_errors=True)

    def _remember_shape(self, database: Database) -> None:
        assert isinstance(database, SqliteDatabase)
        # Nothing but the file itself is copied: what is still in the log must be in it.
        database.query("PRAGMA wal_checkpoint(TRUNCATE)")

    def _make_clean(self, database: Database) -> bool:
        del database  # a copy is cheaper
        return False
