"""Run named statements on SQLite."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from json import dumps
from typing import Any

from outbox.backends.sqlite.errors import translated
from outbox.backends.sqlite.source import Source
from outbox.errors import Contention
from outbox.statements import Catalog, Row, Rows, Statement
from outbox.statements.rows import getter


class Session:
    """A connection in hand and the statements to run on it; one thread at a time."""

    __slots__ = ("catalog", "conn")

    def __init__(self, conn: sqlite3.Connection, catalog: Catalog) -> None:
        self.conn = conn
        self.catalog = catalog

    def run(self, statement: str, **parameters: Any) -> Rows:
        """Run a statement; return its rows, whatever the connection's settings."""
        known = self.catalog[statement]
        return known.fetch(self._execute(known, parameters))

    @contextmanager
    def each(self, statement: str, names: tuple[str, ...], **parameters: Any) -> Iterator[Iterator[Row]]:
        """Run a query and give these columns of its rows, each row computed when it is fetched."""
        known = self.catalog[statement]
        with closing(self._execute(known, parameters)) as cursor:
            yield map(getter(known.columns(cursor), names), cursor)

    def _execute(self, statement: Statement, parameters: dict[str, Any]) -> sqlite3.Cursor:
        cursor = sqlite3.Cursor(self.conn)
        cursor.row_factory = None
        return cursor.execute(statement.named, parameters)


class Database:
    """A source of connections and the statements to run on them; safe from any thread.

    Writers of this process queue at a lock of their own: SQLite lets those that wait for its write
    lock poll with growing sleeps, which costs threads of one process tens of milliseconds each time.
    """

    def __init__(self, source: Source, catalog: Catalog, *, writer: threading.Lock | None = None) -> None:
        self.source = source
        self.waiting = source.waiting
        self.catalog = catalog
        self._writer = writer or threading.Lock()
        self._begin = catalog["begin_write"].named

    def apart(self) -> Database:
        """Return a source of one connection of its own, whose writes queue with those of this one."""
        return Database(self.source.apart(), self.catalog, writer=self._writer)

    def read(self, statement: str, **parameters: Any) -> Rows:
        """Run one statement outside of any transaction; return its rows."""
        with translated(), self.source.borrow() as conn:
            return Session(conn, self.catalog).run(statement, **parameters)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Run a transaction that has the write lock: commits at a clean exit, else rolls back."""
        with translated(), self._turn(), self.source.borrow() as conn:
            conn.execute(self._begin)
            yield Session(conn, self.catalog)
            conn.commit()

    @contextmanager
    def lend(self) -> Iterator[tuple[Session, Any]]:
        """Lend such a transaction to code that is not ours, as the kind of connection it expects."""
        with self._turn(), self.source.lend(self._begin) as (conn, lent):
            yield Session(conn, self.catalog), lent

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not any(self._writer.acquire(timeout=part) for part in self.waiting.slices(self.source.patience)):
            raise Contention("SQLite: waited in vain for the write lock of this process")
        try:
            yield
        finally:
            self._writer.release()


def array(items: Iterable[Any]) -> str:
    """Write a list as JSON, the form in which lists travel."""
    return dumps(list(items), separators=(",", ":"))
