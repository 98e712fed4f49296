"""Which PostgreSQL servers will do."""

from __future__ import annotations

from contextlib import closing

import psycopg

from outbox.backends.postgresql.session import Operations
from outbox.backends.postgresql.sources import PgConnection
from outbox.backends.records import SLOW_DRIVER, Component
from outbox.errors import ConfigurationError, ReadOnlyServer, UnsupportedServer

OLDEST_VERSION = 130000  # 13, as the server writes its version


class Server(Operations):
    """See `outbox.backends.protocol.Server`."""

    def check_server(self, *, reading: bool = False) -> None:
        # On a connection of its own, not the pool's: a server that is away says why at once.
        with self._db.translated(), closing(self._db.source.connect()) as conn:
            check_encoding(conn.info.parameter_status("client_encoding"))
            session = self._db.session(conn, conn)
            [found] = session.query("server_version").named()
            if self._db.source.pooler.found:
                check_transactions(conn)
                self.use(self.catalog)
        judge(
            int(found.version),
            read_only=found.read_only and not reading,
            refuses_writes=found.refuses_writes and not reading,
        )

    def describe_server(self) -> Component:
        [found] = self._db.query("server_version").named()
        return Component(f"PostgreSQL {int(found.version) // 10000}.{int(found.version) % 10000}")

    def describe_driver(self) -> Component:
        text = f"psycopg {psycopg.__version__} ({psycopg.pq.__impl__})"
        if psycopg.pq.__impl__ == "python":
            return Component(text, SLOW_DRIVER, 'install its C code: pip install "psycopg[binary]"')
        return Component(text)


def check_transactions(conn: PgConnection) -> None:
    """Refuse a pooler in statement mode, which lets no transaction begin."""
    try:
        with conn.transaction():
            pass
    except psycopg.Error as error:
        problem = (
            f"the pooler refuses transactions ({error}); let it pool transactions or sessions, "
            "pool_mode = transaction in pgbouncer"
        )
        raise ConfigurationError("target", "a pooler in statement mode", problem) from None


def check_encoding(client: str | None) -> None:
    """Refuse connections of the user's in the encoding that is none: psycopg gives their texts as bytes."""
    if client == "SQL_ASCII":
        problem = (
            "in this encoding psycopg gives texts as bytes; connect with client_encoding=utf8, "
            "which PGCLIENTENCODING and the role's settings may override"
        )
        raise ConfigurationError("client_encoding", client, problem)


def judge(version: int, *, read_only: bool, refuses_writes: bool = False) -> None:
    """Raise `UnsupportedServer` or `ReadOnlyServer` for a server that will not do."""
    if version < OLDEST_VERSION:
        found = version // 10000 if version >= 100000 else f"{version // 10000}.{version // 100 % 100}"
        raise UnsupportedServer("server", f"PostgreSQL {found}", "version 13 is the oldest supported")
    if read_only:
        msg = "PostgreSQL: this server is a read-only standby; connect to the primary"
        raise ReadOnlyServer(msg)
    if refuses_writes:
        # Not overruled: operators, and services whose disk is full, set it so that nothing is written.
        msg = (
            "PostgreSQL: default_transaction_read_only is on for this server, database or role; "
            "turn it off for the role of the outbox"
        )
        raise ReadOnlyServer(msg)
