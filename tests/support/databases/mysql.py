"""MySQL and MariaDB databases for tests."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.servers.existing import ExistingServer
from tests.servers.server import Server
from tests.support.databases.database import Database
from tests.support.databases.provider import ServerProvider
from tests.support.databases.session import Session
from tests.support.dead_sessions import ServerSession

# A table with this many rows is not worth emptying: its database is dropped.
_MOST_ROWS = 20_000

_SESSIONS = """
SELECT host, command, id = connection_id(), left(info, 200) FROM information_schema.processlist
WHERE left(db, ?) = ? OR id = connection_id()
"""
_STRAYS = "SELECT id FROM information_schema.processlist WHERE db = ? AND id <> connection_id()"
_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND table_type = 'BASE TABLE'"
)
_SHAPE = """
SELECT 'column', concat(table_name, '.', column_name), column_type FROM information_schema.columns WHERE table_schema = ?
UNION ALL SELECT 'index', concat(table_name, '.', index_name), column_name FROM information_schema.statistics
    WHERE table_schema = ?
UNION ALL SELECT 'trigger', trigger_name, '' FROM information_schema.triggers WHERE trigger_schema = ?
UNION ALL SELECT 'routine', routine_name, '' FROM information_schema.routines WHERE routine_schema = ?
"""


class MysqlDatabase(Database):
    def __init__(self, backend: str, url: str) -> None:
        super().__init__(backend, url)
        self.name = urlsplit(url).path[1:]

    @property
    def sqlalchemy_url(self) -> str:
        return self.url.replace("mysql:", "mysql+mysqlconnector:", 1)

    def _connect(self, *, autocommit: bool, **options: Any) -> Any:
        import mysql.connector

        parts = urlsplit(self.url)
        where = {"host": parts.hostname, "port": parts.port or 3306, "database": self.name}
        who = {"user": unquote(parts.username or "root"), "password": unquote(parts.password or "")}
        return mysql.connector.connect(**{**where, **who, "autocommit": autocommit, **options})


class MysqlProvider(ServerProvider):
    _default_port = 3306

    def __init__(self, server: Server | ExistingServer) -> None:
        super().__init__(server, MysqlDatabase(server.name, server.url))
        self._shape: dict[Database, set[tuple[Any, ...]]] = {}

    def _list_sessions(self, session: Session) -> list[ServerSession]:
        rows = session.query(_SESSIONS, len(self._prefix), self._prefix)
        return [
            ServerSession(
                int(_text(host).rpartition(":")[2]), _text(command) != "Sleep", bool(own), _text(info)
            )
            for host, command, own, info in rows
            if ":" in _text(host)
        ]

    def _create(self, name: str) -> Database:
        self._admin.execute(f"CREATE DATABASE {name}")
        return MysqlDatabase(self._server.name, self._server.url_of(name))

    def _drop(self, database: Database) -> None:
        assert isinstance(database, MysqlDatabase)
        with self._admin.session() as session:
            self._end_strays(session, database.name)
            session.execute(f"DROP DATABASE IF EXISTS {database.name}")

    def _remember_shape(self, database: Database) -> None:
        assert isinstance(database, MysqlDatabase)
        with database.session() as session:
            self._shape[database] = self._shape_of(session, database.name)

    def _make_clean(self, database: Database) -> bool:
        assert isinstance(database, MysqlDatabase)
        expected = self._shape[database]
        ours = {what.partition(".")[0] for kind, what, _ in expected if kind == "column"}
        with database.session() as session:
            self._end_strays(session, database.name)
            names = {name for (name,) in session.query(_TABLES, database.name)}
            if others := names - ours:
                session.execute("SET foreign_key_checks = 0")
                session.execute("DROP TABLE " + ", ".join(f"`{name}`" for name in others))
            if self._shape_of(session, database.name) != expected:
                return False
            emptied = [name for name in ours if not name.endswith(("_migrations", "_installation"))]
            return all(self._empty(session, name) for name in emptied)

    def _empty(self, session: Session, table: str) -> bool:
        return session.execute(f"DELETE FROM `{table}` LIMIT {_MOST_ROWS}") < _MOST_ROWS

    def _end_strays(self, session: Session, name: str) -> None:
        for (number,) in session.query(_STRAYS, name):
            # It may have ended by itself meanwhile.
            with contextlib.suppress(Exception):
                session.execute(f"KILL {number}")

    def _shape_of(self, session: Session, name: str) -> set[tuple[Any, ...]]:
        return {tuple(map(_text, row)) for row in session.query(_SHAPE, *[name] * _SHAPE.count("?"))}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, (bytes, bytearray)) else str(value)
