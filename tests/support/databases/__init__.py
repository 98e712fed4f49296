"""Fresh, isolated databases for tests, on all backends alike."""

from tests.servers.existing import ExistingServer
from tests.servers.server import Server
from tests.support.databases.database import Database
from tests.support.databases.mysql import MysqlProvider
from tests.support.databases.postgres import PostgresProvider
from tests.support.databases.provider import Provider, wait_for_the_end_of_dead_sessions
from tests.support.databases.sqlite import SqliteProvider

__all__ = [
    "Database",
    "MysqlProvider",
    "PostgresProvider",
    "Provider",
    "SqliteProvider",
    "new_provider",
    "wait_for_the_end_of_dead_sessions",
]


def new_provider(server: Server | ExistingServer) -> Provider:
    """Return what makes databases on the server."""
    return PostgresProvider(server) if server.name == "postgresql" else MysqlProvider(server)
