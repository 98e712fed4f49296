"""A server that one test has to itself."""

from __future__ import annotations

from tests.servers.server import Server
from tests.support.databases import Database, Provider


class PrivateServer:
    """Take a database server down and up again; its databases stay, and so does its port.

    Not thread-safe, but a helper thread may call it while the test waits.
    """

    def __init__(self, server: Server, provider: Provider) -> None:
        self._server = server
        self._provider = provider
        self._databases: list[Database] = []

    @property
    def backend(self) -> str:
        return self._server.name

    @property
    def url(self) -> str:
        """The URL of the server's administrative database."""
        return self._server.url

    @property
    def running(self) -> bool:
        return self._server.running

    def start(self) -> None:
        """Start it and return once it answers."""
        self._server.start()

    def stop(self) -> None:
        """Shut it down in good order."""
        self._server.stop()

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self._server.kill()

    def restart(self) -> None:
        """Stop and start it."""
        self._server.restart()

    def new_database(self, *, migrated: bool = True) -> Database:
        """Return a new database on this server; it goes when the test ends."""
        database = self._provider.migrated() if migrated else self._provider.empty()
        self._databases.append(database)
        return database

    def close(self) -> None:
        self._server.start()
        for database in self._databases:
            self._provider.drop(database)
