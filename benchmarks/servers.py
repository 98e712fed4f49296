"""The servers of a run: private ones with durable settings, or those that URLs name."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from tests.servers.fleet import Fleet

if TYPE_CHECKING:
    from typing_extensions import Self


class Servers:
    """Starts each server when it is first asked for; `close` ends those it started.

    ``urls`` names servers that run already, by backend; databases are made on them and dropped. What is
    started, and SQLite's files, live in ``directory``; on a path of more than 60 characters, in ``/tmp``.
    """

    def __init__(self, urls: Mapping[str, str], directory: Path | None = None) -> None:
        self._urls = dict(urls)
        if directory is not None:
            tempfile.tempdir = str(directory)  # where the fleet puts its servers
        self._fleet = Fleet()
        self._numbers = itertools.count(1)
        self._files = tempfile.TemporaryDirectory(prefix="outbox-bench-")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._fleet.close()
        self._files.cleanup()

    def missing(self, backend: str) -> str | None:
        """Return the sentence that says how to get a server that is not here."""
        return None if backend in self._urls or backend == "sqlite" else Fleet.missing(backend)

    def url(self, backend: str) -> str:
        """Return the URL of a server's administrative database, started."""
        if backend not in self._urls:
            self._urls[backend] = self._fleet.private(backend).url
        return self._urls[backend]

    @contextmanager
    def database(self, backend: str) -> Iterator[str]:
        """Make an empty database, give its URL, drop it."""
        name = f"bench_{os.getpid()}_{next(self._numbers)}"
        if backend == "sqlite":
            folder = Path(self._files.name) / name
            folder.mkdir()
            yield f"sqlite:///{folder / 'bench.db'}"
            return
        admin = self.url(backend)
        execute(admin, f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(admin)._replace(path=f"/{name}"))
        finally:
            execute(admin, f"DROP DATABASE {name}{' WITH (FORCE)' if backend == 'postgresql' else ''}")


def execute(url: str, statement: str) -> list[Any]:
    """Run one statement outside of any transaction; return its rows."""
    connection: Any = connect(url)
    try:
        cursor = connection.cursor()
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def connect(url: str, *, autocommit: bool = True) -> Any:
    """Open a connection of the driver that the library's workers use."""
    parts = urlsplit(url)
    if parts.scheme == "postgresql":
        import psycopg

        return psycopg.connect(url, autocommit=autocommit)
    if parts.scheme == "sqlite":
        import sqlite3

        return sqlite3.connect(parts.path[1:], isolation_level=None)
    import mysql.connector

    return mysql.connector.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/"),
        autocommit=autocommit,
    )
