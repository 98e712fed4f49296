"""A pgbouncer for the tests."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.servers.server import Daemon
from tests.servers.undertaker import Undertaker

# Fewer than the clients of one outbox, so that statements of one client do change servers.
_SERVERS = 6
_CONFIGURATION = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {servers}
"""


class Pgbouncer(Daemon):
    """A pooler in front of a server, as it is packaged: one mode, nothing that knows of prepared statements."""

    def __init__(
        self, directory: Path, undertaker: Undertaker, program: str, server_url: str, mode: str
    ) -> None:
        super().__init__(f"pgbouncer-{mode}", directory, undertaker)
        self._program = program
        self._server = urlsplit(server_url)
        self._mode = mode

    def url_of(self, database_url: str) -> str:
        """Return the URL at which a database of the server is reached through the pooler."""
        return urlunsplit(urlsplit(database_url)._replace(netloc=f"outbox@127.0.0.1:{self.port}"))

    def _initialise(self) -> None:
        text = _CONFIGURATION.format(
            host=self._server.hostname,
            port=self._server.port,
            user=self._server.username,
            own_port=self.port,
            mode=self._mode,
            servers=_SERVERS,
        )
        (self._directory / "pgbouncer.ini").write_text(text)

    def _command(self) -> list[str]:
        return [self._program, str(self._directory / "pgbouncer.ini")]

    def _probe(self) -> None:
        import psycopg

        psycopg.connect(self.url_of(urlunsplit(self._server)), autocommit=True, connect_timeout=5).close()
