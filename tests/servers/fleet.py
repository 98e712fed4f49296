"""The servers of one test run, started when first asked for and ended together."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.servers.binaries import find_mariadb, find_mysql, find_pgbouncer, find_postgres
from tests.servers.existing import ExistingServer
from tests.servers.mysql_family import MariadbServer, MysqlServer
from tests.servers.pgbouncer import Pgbouncer
from tests.servers.postgres import PostgresServer, PostgresStandby
from tests.servers.selection import existing_url, how_to_get
from tests.servers.server import Server
from tests.servers.undertaker import Undertaker

# The socket of a MySQL server lives below it, and its path must not exceed 107 characters.
_LONGEST_TEMPORARY_DIRECTORY = 60


class ServerNotFound(LookupError):
    """A selected backend has no programs on this machine and no URL; the message says how to get it."""


class Fleet:
    """Start at most one shared and one private server per backend, and standbys; `close` ends them all.

    Not thread-safe: fixtures call it from the main thread.
    """

    def __init__(self) -> None:
        self._shared: dict[str, Server | ExistingServer] = {}
        self._private: dict[str, Server] = {}
        self._standbys: list[PostgresStandby] = []
        self._poolers: dict[tuple[str, str], Pgbouncer] = {}
        self._directory: Path | None = None
        self._undertaker: Undertaker | None = None

    @staticmethod
    def missing(backend: str) -> str | None:
        """Return the sentence that says how to get the backend when it cannot be had, else None."""
        found = backend == "sqlite" or existing_url(backend) or _FINDERS[backend]()
        return None if found else how_to_get(backend)

    def shared(self, backend: str) -> Server | ExistingServer:
        """Return the server that all tests share, started."""
        if backend not in self._shared:
            url = existing_url(backend)
            self._shared[backend] = ExistingServer(backend, url) if url else self._new(backend, "shared")
        self._shared[backend].start()
        return self._shared[backend]

    def private(self, backend: str) -> Server:
        """Return the server that a test may stop, kill and restart, started."""
        if backend not in self._private:
            self._private[backend] = self._new(backend, "private")
        self._private[backend].start()
        return self._private[backend]

    def standby(self, primary: PostgresServer) -> PostgresStandby:
        """Return a new standby of a running primary, started."""
        directory, undertaker = self._workshop()
        name = f"postgresql-standby-{len(self._standbys)}"
        self._standbys.append(PostgresStandby(directory / name, undertaker, primary))
        self._standbys[-1].start()
        return self._standbys[-1]

    def pgbouncer(self, server: Server | ExistingServer, mode: str) -> Pgbouncer:
        """Return a pgbouncer in front of a server in this mode, started."""
        if (server.url, mode) not in self._poolers:
            directory, undertaker = self._workshop()
            program = find_pgbouncer()
            if program is None:
                raise ServerNotFound("pgbouncer is not installed: run `make servers`")
            folder = directory / f"pgbouncer-{mode}-{len(self._poolers)}"
            self._poolers[server.url, mode] = Pgbouncer(folder, undertaker, program, server.url, mode)
        self._poolers[server.url, mode].start()
        return self._poolers[server.url, mode]

    def start(self, *backends: str) -> dict[str, str]:
        """Start the shared servers of several backends and return their URLs."""
        return {name: self.shared(name).url for name in backends if name != "sqlite"}

    def close(self) -> None:
        """Stop every server that was started here, side by side, and remove what they wrote."""
        for pooler in self._poolers.values():
            pooler.close()
        self._poolers.clear()
        servers = [*self._shared.values(), *self._private.values(), *self._standbys]
        if servers:
            with ThreadPoolExecutor(len(servers)) as pool:
                list(pool.map(lambda server: server.stop(), servers))
        self._shared.clear()
        self._private.clear()
        self._standbys.clear()
        if self._undertaker is not None:
            self._undertaker.close()
            self._undertaker = None
            self._directory = None

    def _new(self, backend: str, kind: str) -> Server:
        programs = _FINDERS[backend]()
        if programs is None:
            raise ServerNotFound(how_to_get(backend))
        directory, undertaker = self._workshop()
        server: Server = _SERVERS[backend](directory / f"{backend}-{kind}", undertaker, programs)
        return server

    def _workshop(self) -> tuple[Path, Undertaker]:
        if self._directory is None or self._undertaker is None:
            parent = tempfile.gettempdir()
            short = parent if len(parent) <= _LONGEST_TEMPORARY_DIRECTORY else "/tmp"
            self._directory = Path(tempfile.mkdtemp(prefix=f"outbox-servers-{os.getpid()}-", dir=short))
            self._directory.chmod(0o711)  # the servers' account has to pass through
            self._undertaker = Undertaker(self._directory)
        return self._directory, self._undertaker


_FINDERS: dict[str, Callable[[], Any]] = {
    "postgresql": find_postgres,
    "mysql": find_mysql,
    "mariadb": find_mariadb,
}
_SERVERS: dict[str, Any] = {"postgresql": PostgresServer, "mysql": MysqlServer, "mariadb": MariadbServer}
