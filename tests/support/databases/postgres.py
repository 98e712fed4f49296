"""PostgreSQL databases for tests."""

from __future__ import annotations

from typing import Any

from tests.servers.existing import ExistingServer
from tests.servers.server import Server
from tests.support.databases.database import Database
from tests.support.databases.provider import ServerProvider
from tests.support.databases.session import Session
from tests.support.dead_sessions import ServerSession

# A database whose tables have grown beyond this is dropped: dead rows would follow the next test.
_LARGEST = 4_000_000

_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_SESSIONS = """
SELECT client_port, state IS DISTINCT FROM 'idle', pid = pg_backend_pid(), left(query, 200) FROM pg_stat_activity
WHERE client_port > 0 AND (starts_with(datname, ?) OR pid = pg_backend_pid())
"""
_TABLES = """
SELECT c.relname, pg_table_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r'
"""
_SHAPE = """
SELECT 'relation', c.relkind::text || ' ' || n.nspname || '.' || c.relname, c.relnatts FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
UNION ALL SELECT 'schema', nspname, 0 FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
UNION ALL SELECT 'trigger', tgname, 0 FROM pg_trigger
UNION ALL SELECT 'function', proname, 0 FROM pg_proc WHERE oid >= 16384
UNION ALL SELECT 'setting', setconfig::text, 0 FROM pg_db_role_setting
"""


class PostgresDatabase(Database):
    def __init__(self, url: str, name: str) -> None:
        super().__init__("postgresql", url)
        self.name = name

    @property
    def sqlalchemy_url(self) -> str:
        return self.url.replace("postgresql:", "postgresql+psycopg:", 1)

    def _connect(self, *, autocommit: bool, **options: Any) -> Any:
        import psycopg

        return psycopg.connect(self.url, autocommit=autocommit, **options)


class PostgresProvider(ServerProvider):
    _default_port = 5432

    def __init__(self, server: Server | ExistingServer) -> None:
        super().__init__(server, PostgresDatabase(server.url, ""))
        self._shape: dict[Database, set[tuple[Any, ...]]] = {}

    def _list_sessions(self, session: Session) -> list[ServerSession]:
        return [ServerSession(*row) for row in session.query(_SESSIONS, self._prefix)]

    def _create(self, name: str) -> Database:
        self._admin.execute(f"CREATE DATABASE {name}")
        return PostgresDatabase(self._server.url_of(name), name)

    def _drop(self, database: Database) -> None:
        assert isinstance(database, PostgresDatabase)
        self._admin.execute(f"DROP DATABASE IF EXISTS {database.name} WITH (FORCE)")

    def _remember_shape(self, database: Database) -> None:
        self._shape[database] = set(database.query(_SHAPE))

    def _make_clean(self, database: Database) -> bool:
        expected = self._shape[database]
        ours = {what[len("r public.") :] for _, what, _ in expected if what.startswith("r public.")}
        with database.session() as session:
            session.query(_END_OTHERS)
            sizes = dict(session.query(_TABLES))
            if others := sizes.keys() - ours:
                session.execute("DROP TABLE " + ", ".join(f'"{name}"' for name in others) + " CASCADE")
            if set(session.query(_SHAPE)) != expected or sum(sizes.values()) > _LARGEST:
                return False
            emptied = [name for name in ours if not name.endswith(("_migrations", "_installation"))]
            session.execute("; ".join(f'DELETE FROM "{name}"' for name in emptied))
        return True
