"""A PostgreSQL server for the tests."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from tests.servers.server import Server
from tests.servers.undertaker import Undertaker


class PostgresServer(Server):
    """PostgreSQL with durable settings, and pg_stat_statements loaded where the installation has it."""

    stop_signal = signal.SIGINT  # "fast": does not wait for clients to leave
    admin_database = "postgres"

    def __init__(self, directory: Path, undertaker: Undertaker, programs: Path) -> None:
        super().__init__("postgresql", directory, undertaker)
        self.programs = programs

    def url_of(self, database: str) -> str:
        return f"postgresql://outbox@127.0.0.1:{self.port}/{database}"

    def _initialise(self) -> None:
        flags = (
            "--username=outbox",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
        )
        self._run(str(self.programs / "initdb"), f"--pgdata={self.data}", *flags)

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 300,
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "logging_collector": "off",
            "log_min_messages": "fatal",
            "log_min_error_statement": "panic",
        }
        if self._has_statement_statistics():
            settings["shared_preload_libraries"] = "pg_stat_statements"
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.data), *options]

    def _probe(self) -> None:
        import psycopg

        with psycopg.connect(self.url, connect_timeout=5) as connection:
            connection.execute("SELECT 1")

    def _has_statement_statistics(self) -> bool:
        command = [str(self.programs / "pg_config"), "--pkglibdir"]
        try:
            folder = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            folder = str(self.programs.parent / "lib")
        return (Path(folder) / "pg_stat_statements.so").exists()


class PostgresStandby(PostgresServer):
    """A hot standby, which follows its primary and takes no writes until it is promoted."""

    def __init__(self, directory: Path, undertaker: Undertaker, primary: PostgresServer) -> None:
        super().__init__(directory, undertaker, primary.programs)
        self._primary = primary

    def promote(self) -> None:
        """Make it a primary, and return once it takes writes."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SELECT pg_promote(true)")

    def _initialise(self) -> None:
        flags = ("--write-recovery-conf", "--checkpoint=fast", "--no-sync", f"--pgdata={self.data}")
        self._run(str(self.programs / "pg_basebackup"), f"--dbname={self._primary.url}", *flags)
