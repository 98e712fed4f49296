"""Make databases, and use migrated ones again."""

from __future__ import annotations

import itertools
import os
import weakref
from abc import ABC, abstractmethod
from functools import partial
from typing import ClassVar
from urllib.parse import urlsplit

from tests.servers.existing import ExistingServer
from tests.servers.server import Server
from tests.support.databases.database import Database
from tests.support.databases.session import Session
from tests.support.dead_sessions import ServerSession, dead_sessions
from tests.support.eventually import eventually

_providers: weakref.WeakSet[Provider] = weakref.WeakSet()


def wait_for_the_end_of_dead_sessions(timeout: float = 30.0) -> None:
    """Wait until no server has a session of a dead process in a database of ours: to be called after a kill."""
    for provider in list(_providers):
        eventually(
            partial(_has_no_dead_sessions, provider),
            timeout,
            what="the server has ended the sessions of the killed process",
        )


def _has_no_dead_sessions(provider: Provider) -> bool:
    return provider.dead_sessions() == []


class Provider(ABC):
    """Make, empty and drop the databases of one server.

    Creating the tables takes far longer than emptying them, so migrated databases are used again: emptied after the
    test, or dropped when the test changed more than their rows. Not thread-safe.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._clean: list[Database] = []
        self._alive: set[Database] = set()
        # Of this process alone, so that neighbours on the same server do not meet.
        self._prefix = f"t_{os.getpid():x}_"
        _providers.add(self)

    def dead_sessions(self) -> list[ServerSession]:
        """Return the sessions in our databases whose client process is gone."""
        return []

    def empty(self) -> Database:
        """Return a new database without any table."""
        database = self._create(f"{self._prefix}{next(self._numbers)}")
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


class ServerProvider(Provider):
    """A provider of databases on a server, which has sessions."""

    _default_port: ClassVar[int]

    def __init__(self, server: Server | ExistingServer, admin: Database) -> None:
        super().__init__()
        self._server = server
        self._admin = admin

    def dead_sessions(self) -> list[ServerSession]:
        if not (self._alive and self._server.running):
            return []
        port = urlsplit(self._server.url).port or self._default_port
        # Compared while the asking session is open: it shows whether the server sees the ports that we see.
        with self._admin.session() as session:
            return dead_sessions(self._list_sessions(session), port)

    def sessions(self) -> list[ServerSession]:
        """Return the sessions in our databases, and the one that asks."""
        with self._admin.session() as session:
            return self._list_sessions(session)

    @abstractmethod
    def _list_sessions(self, session: Session) -> list[ServerSession]: ...
