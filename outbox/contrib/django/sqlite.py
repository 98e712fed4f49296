"""SQLite through Django's connections."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from outbox.backends.records import LeaseRequest, Refusal
from outbox.backends.sqlite.backend import SqliteBackend
from outbox.backends.sqlite.errors import translated
from outbox.backends.sqlite.server import OLDEST
from outbox.backends.sqlite.session import Database, Session
from outbox.backends.sqlite.sources import BUSY_TIMEOUT, check_open, committing
from outbox.backends.waiting import Waiting
from outbox.contrib.django.lending import Lending, beginning
from outbox.contrib.django.turn import DjangoTurn
from outbox.errors import UnsupportedServer
from outbox.statements import Catalog, Naming
from outbox.unwrapping import innermost


class DjangoSource:
    """See `outbox.backends.sqlite.sources.Source`. A connection in memory is one as well."""

    shared = True
    read_only = False

    def __init__(self, lending: Lending) -> None:
        self.waiting = Waiting()
        self.patience = float(lending.wrapper.settings_dict["OPTIONS"].get("timeout", BUSY_TIMEOUT))
        self._lending = lending

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._lending.reading() as wrapper:
            yield raw(wrapper)

    @contextmanager
    def writing(self, begin: str, spoiled: Callable[[], bool]) -> Iterator[tuple[sqlite3.Connection, Any]]:  # noqa: ARG002 - it stays Django's
        with self.immediate(begin, durable=True) as wrapper:
            conn = raw(wrapper)
            yield conn, wrapper
            check_open(conn)

    @contextmanager
    def immediate(self, begin: str, *, durable: bool) -> Iterator[Any]:
        """Lend the connection in a transaction that has the write lock from its beginning."""
        wrapper = self._lending.wrapper
        held = self._lending.writing(durable=durable)
        with beginning(wrapper, lambda: raw(wrapper).execute(begin)):
            held.__enter__()
        try:
            yield wrapper
        except BaseException as error:
            held.__exit__(type(error), error, error.__traceback__)
            raise
        with committing():
            held.__exit__(None, None, None)

    def dedicated(self) -> DjangoSource:
        """Return the same: each thread has a connection of its own."""
        return self

    def close(self) -> None:
        self._lending.close()


class DjangoDatabase(Database):
    """Database whose own writes may be a part of the caller's transaction, as in a ``TestCase``."""

    def __init__(self, source: DjangoSource, catalog: Catalog) -> None:
        super().__init__(source, catalog)
        self._django = source

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with translated(), self._write_lock(), self._django.immediate(self._begin, durable=False) as wrapper:
            conn = raw(wrapper)
            yield Session(self.catalog, conn, conn)

    def dedicated(self) -> DjangoDatabase:
        return self


class DjangoSqliteBackend(SqliteBackend):
    """The outbox in a SQLite database of Django's."""

    def __init__(self, lending: Lending, naming: Naming) -> None:
        super().__init__(DjangoDatabase(DjangoSource(lending), Catalog.load("sqlite", naming)), naming)
        self._lending = lending

    def check_server(self, *, reading: bool = False) -> None:  # noqa: ARG002 - neither writes
        """Check the release alone: a write would wait for the lock, perhaps for the caller's own."""
        if sqlite3.sqlite_version_info < OLDEST:
            raise UnsupportedServer("SQLite", sqlite3.sqlite_version, "version 3.35 or later is needed")

    @contextmanager
    def transactional_turn(
        self, request: LeaseRequest, *, max_bytes: int, one_if_failed: bool, ignore_backoff: bool = False
    ) -> Iterator[Any]:
        with super().transactional_turn(
            request, max_bytes=max_bytes, one_if_failed=one_if_failed, ignore_backoff=ignore_backoff
        ) as turn:
            yield turn if isinstance(turn, Refusal) else DjangoTurn(turn, self._lending.wrapper)

    def dedicated(self) -> DjangoSqliteBackend:
        """Return the same: each thread has a connection of its own."""
        return self


def raw(wrapper: Any) -> sqlite3.Connection:
    """Return the driver's connection, which an agent may have wrapped."""
    conn: sqlite3.Connection = innermost(wrapper.connection, sqlite3.Connection)
    return conn
