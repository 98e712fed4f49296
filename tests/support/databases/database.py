"""One database of one test."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from tests.support.databases.session import Session

if TYPE_CHECKING:
    import sqlalchemy


class Database(ABC):
    """A database that belongs to one test: its URL, connections to it, and short cuts to look into it.

    The connections and engines handed out are closed when the test ends. Thread-safe.
    """

    placeholder: ClassVar[str] = "%s"
    long_ago: ClassVar[str | int] = "2001-01-01 00:00:00"
    """A moment of the past, as the outbox's tables have it."""

    def __init__(self, backend: str, url: str) -> None:
        self.backend = backend
        self.url = url
        self._opened: list[Any] = []
        self._engines: list[sqlalchemy.Engine] = []

    def __repr__(self) -> str:
        return f"<{self.backend} {self.url}>"

    @property
    @abstractmethod
    def sqlalchemy_url(self) -> str:
        """The URL for SQLAlchemy, on the driver that the workers use."""

    @abstractmethod
    def _connect(self, *, autocommit: bool, **options: Any) -> Any:
        """Return a new connection of the worker driver."""

    def connect(self, *, autocommit: bool = False, **options: Any) -> Any:
        """Return a new psycopg, mysql.connector or sqlite3 connection; the options go to the driver."""
        connection = self._connect(autocommit=autocommit, **options)
        self._opened.append(connection)
        return connection

    def engine(self, **options: Any) -> sqlalchemy.Engine:
        """Return a new SQLAlchemy engine on the worker driver; the options go to `create_engine`."""
        import sqlalchemy

        engine = sqlalchemy.create_engine(self.sqlalchemy_url, **options)
        self._engines.append(engine)
        return engine

    def session(self) -> contextlib.closing[Session]:
        """Return a context manager: one autocommit connection for several looks at the database."""
        return contextlib.closing(Session(self._connect(autocommit=True), self.placeholder))

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query, on a new autocommit connection. Parameters are ``?`` on every backend."""
        with self.session() as session:
            return session.query(sql, *parameters)

    def execute(self, sql: str, *parameters: Any) -> int:
        """Run a statement on a new autocommit connection and return the number of rows it changed."""
        with self.session() as session:
            return session.execute(sql, *parameters)

    def value(self, sql: str, *parameters: Any) -> Any:
        """Return the single value of a query."""
        ((value,),) = self.query(sql, *parameters)
        return value

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        return int(self.value(f"SELECT count(*) FROM {table}"))

    def close(self) -> None:
        """Close what was handed out."""
        for engine in self._engines:
            engine.dispose()
        for connection in self._opened:
            # The test may have closed it, killed its server, or left it in the middle of something.
            with contextlib.suppress(Exception):
                connection.close()
        self._engines.clear()
        self._opened.clear()
