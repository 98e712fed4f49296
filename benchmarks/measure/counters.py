"""What a server counts: log bytes, flushes, commits, statements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from benchmarks.measure.profile import Snapshot, snapshot


class Counts(NamedTuple):
    """Totals since the server started; None where it does not say."""

    log_bytes: int | None = None
    log_images: int | None = None
    syncs: int | None = None
    commits: int | None = None
    statements: int | None = None


class Counters(Protocol):
    """A view of one server's counters over a connection of its own."""

    def read(self) -> Counts:
        """Return the totals."""

    def close(self) -> None:
        """Close the connection."""


class PostgresCounters:
    """PostgreSQL. Statements need pg_stat_statements; backends tell of commits and flushes when they end."""

    def __init__(self, url: str) -> None:
        import psycopg

        self._connection: Any = psycopg.connect(url, autocommit=True)
        self._connection.prepare_threshold = None
        modern = self._connection.info.server_version >= 18_00_00
        self._log = LOG_18 if modern else LOG_14
        self._counts_statements = self._load_statement_statistics()

    def read(self) -> Counts:
        ((log_bytes, images, syncs, commits),) = self._connection.execute(self._log).fetchall()
        statements = None
        if self._counts_statements:
            ((statements,),) = self._connection.execute(PG_STATEMENTS).fetchall()
        return Counts(int(log_bytes), int(images), int(syncs), int(commits), statements)

    def profile(self) -> Snapshot | None:
        """Return what each statement has cost so far, None without pg_stat_statements."""
        return snapshot(self._connection) if self._counts_statements else None

    def checkpoint(self) -> None:
        """Let the next checkpoint be as far away as can be."""
        self._connection.execute("CHECKPOINT")

    def close(self) -> None:
        self._connection.close()

    def _load_statement_statistics(self) -> bool:
        import psycopg

        try:
            self._connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            self._connection.execute(PG_STATEMENTS)
        except psycopg.Error:
            return False
        return True


class MysqlCounters:
    """MySQL and MariaDB: the server's global status."""

    def __init__(self, url: str) -> None:
        import mysql.connector

        parts = urlsplit(url)
        self._connection: Any = mysql.connector.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=parts.path.strip("/"),
            autocommit=True,
        )

    def read(self) -> Counts:
        cursor = self._connection.cursor()
        cursor.execute("SHOW GLOBAL STATUS")
        found = {str(name): value for name, value in cursor.fetchall()}
        cursor.close()
        return Counts(
            log_bytes=int(found["Innodb_os_log_written"]),
            syncs=int(found["Innodb_os_log_fsyncs"]) if "Innodb_os_log_fsyncs" in found else None,
            commits=int(found["Handler_commit"]),
            statements=int(found["Questions"]),
        )

    def close(self) -> None:
        self._connection.close()


class SqliteCounters:
    """SQLite is in this process, and so is what it writes."""

    def __init__(self, _url: str) -> None:
        self._file = Path("/proc/self/io")

    def read(self) -> Counts:
        fields = dict(line.split(": ") for line in self._file.read_text().splitlines())
        return Counts(log_bytes=int(fields["wchar"]))

    def close(self) -> None:
        """Nothing is open."""


KINDS: dict[str, Callable[[str], Counters]] = {
    "postgresql": PostgresCounters,
    "mysql": MysqlCounters,
    "mariadb": MysqlCounters,
    "sqlite": SqliteCounters,
}
OF_DATABASE = "(SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())"
POSITION = "pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
LOG_14 = f"SELECT {POSITION}, wal_fpi, wal_sync, {OF_DATABASE} FROM pg_stat_wal"
LOG_18 = (
    f"SELECT {POSITION}, wal_fpi, (SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'), {OF_DATABASE} "
    "FROM pg_stat_wal"
)
PG_STATEMENTS = (
    "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements "
    "WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def counters_of(url: str) -> Counters:
    """Connect to the URL's server."""
    return KINDS[urlsplit(url).scheme.partition("+")[0]](url)
