"""Run named statements on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from outbox.backends.sqlite.errors import translated
from outbox.backends.sqlite.forks import gate
from outbox.backends.sqlite.sources import Source
from outbox.backends.sqlite.writer_lock import WriterLock
from outbox.connections.sqlite import open_cursor
from outbox.errors import Contention, DatabaseError
from outbox.statements import Catalog, Row, Rows, Statement
from outbox.statements.rows import getter

NESTED = (
    "SQLite: this thread has a transaction of the outbox open, and SQLite has one writer, which would wait "
    "for itself; write on that transaction's connection, or end it first"
)


class Session:
    """A connection in hand and the statements to run on it; one thread at a time."""

    __slots__ = ("_catalog", "connection", "handler_connection", "spoiled")

    def __init__(self, catalog: Catalog, connection: sqlite3.Connection, handed: Any) -> None:
        self._catalog = catalog
        self.connection = connection
        """The driver's connection."""
        self.handler_connection = handed
        """What a handler gets: the same, or SQLAlchemy's connection around it."""
        self.spoiled = False
        """Whether code of a user's had it, which may have changed its settings for the next one."""

    def query(self, statement: str, **parameters: Any) -> Rows:
        """Run a statement and return its rows, whatever the connection's settings."""
        known = self._catalog[statement]
        return known.fetch(self._execute(known, parameters))

    @contextmanager
    def each(self, statement: str, names: tuple[str, ...], **parameters: Any) -> Iterator[Iterator[Row]]:
        """Run a query and give these columns of its rows, each row computed when it is fetched."""
        known = self._catalog[statement]
        with closing(self._execute(known, parameters)) as cursor:
            yield map(getter(known.columns(cursor), names), cursor)

    def _execute(self, statement: Statement, parameters: dict[str, Any]) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = open_cursor(self.connection)
        return cursor.execute(statement.named, parameters)


class Database:
    """A source of connections and the statements to run on them; safe from any thread.

    Writers of this process queue at a lock of their own: SQLite lets those that wait for its write
    lock poll with growing sleeps, which costs threads of one process tens of milliseconds each time.
    """

    def __init__(self, source: Source, catalog: Catalog, *, writer: WriterLock | None = None) -> None:
        self.source = source
        self.waiting = source.waiting
        self.catalog = catalog
        self._writer = writer or WriterLock()
        self.waiting.crowded = lambda: self._writer.crowded
        self._begin = catalog["begin_write"].named

    def query(self, statement: str, **parameters: Any) -> Rows:
        """Run one statement outside of any transaction; return its rows."""
        with self.reading() as session:
            return session.query(statement, **parameters)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Acquire a session whose statements each stand for themselves."""
        with translated(), gate.passing(), self.source.reading() as conn:
            yield Session(self.catalog, conn, conn)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Acquire a session that has the write lock: commits at a clean exit, else rolls back."""
        with translated(), self._write_lock(), gate.passing(), self.source.reading() as conn:
            conn.execute(self._begin)
            yield Session(self.catalog, conn, conn)
            conn.commit()

    @contextmanager
    def handing_over(self) -> Iterator[Session]:
        """Acquire such a session for the code of a user, who gets the driver's own errors."""
        session: Session | None = None
        with (
            self._write_lock(handed_over=True),
            gate.passing(),
            self.source.writing(self._begin, lambda: session is not None and session.spoiled) as (
                conn,
                handed,
            ),
        ):
            session = Session(self.catalog, conn, handed)
            yield session

    def dedicated(self) -> Database:
        """Return the same on one connection apart from the pool; its writes queue with those of this one."""
        return Database(self.source.dedicated(), self.catalog, writer=self._writer)

    @contextmanager
    def _write_lock(self, *, handed_over: bool = False) -> Iterator[None]:
        if self._writer.mine:
            raise DatabaseError(NESTED)
        # In slices, because nothing interrupts a wait for a lock, and a stop must end it.
        if not self._writer.acquire(self.waiting.slices(self.source.patience)):
            raise Contention("SQLite: timed out waiting for this process's write lock")
        try:
            yield
        finally:
            self._writer.release(handed_over=handed_over)


class Operations:
    """What the operations on one database have in common: where their statements run."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.waiting = db.waiting
        self.catalog = db.catalog

    def use(self, catalog: Catalog) -> None:
        """Keep to the plain names: nothing that a session is told leads them to another file."""
