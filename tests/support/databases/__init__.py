"""Fresh, isolated databases for tests, on all backends alike."""

from tests.support.databases.database import Database
from tests.support.databases.mysql import MysqlProvider
from tests.support.databases.postgres import PostgresProvider
from tests.support.databases.provider import Provider
from tests.support.databases.sqlite import SqliteProvider

__all__ = ["Database", "MysqlProvider", "PostgresProvider", "Provider", "SqliteProvider"]
