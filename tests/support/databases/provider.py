"""Make databases, and use migrated ones again."""

from __future__ import annotations

import itertools
import os
from abc import ABC, abstractmethod

from tests.support.databases.database import Database


class Provider(ABC):
    """Make, empty and drop the databases of one server.

    Creating the tables takes far longer than emptying them, so migrated databases are used again: emptied after the
    test, or dropped when the test changed more than their rows. Not thread-safe.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._clean: list[Database] = []
        self._alive: set[Database] = set()

    def empty(self) -> Database:
        """Return a new database without any table."""
        database = self._create(f"t_{os.getpid():x}_{next(self._numbers)}")
        self._alive.add(database)
        return database

    def migrated(self) -> Database:
        """Return a database with the outbox's tables, all of them empty."""
        if self._clean:
            return self._clean.pop()
        import outbox

        database = self.empty()
        outbox.migrate(database.url)
        self._remember_shape(database)
        return database

    def drop(self, database: Database) -> None:
        database.close()
        self._alive.discard(database)
        self._drop(database)

    def recycle(self, database: Database) -> None:
        """Empty a migrated database for the next test, or drop it when that is not enough."""
        database.close()
        if self._make_clean(database):
            self._clean.append(database)
        else:
            self.drop(database)

    def close(self) -> None:
        """Drop every database that is left."""
        for database in list(self._alive):
            self.drop(database)
        self._clean.clear()

    @abstractmethod
    def _create(self, name: str) -> Database: ...

    @abstractmethod
    def _drop(self, database: Database) -> None:
        """Drop the database, whoever is still connected to it."""

    @abstractmethod
    def _remember_shape(self, database: Database) -> None:
        """Note what a migrated database consists of; called once for each."""

    @abstractmethod
    def _make_clean(self, database: Database) -> bool:
        """End stray connections and delete all rows but the migrations'; return False to have it dropped."""
