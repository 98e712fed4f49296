from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy.pool import QueuePool, StaticPool

from outbox.backends.sqlite import SqliteBackend
from outbox.errors import ConfigurationError, ConnectionLost, DatabaseError, OutboxClosed
from outbox.statements import Naming
from tests.support import Database

pytestmark = pytest.mark.backends("sqlite")
Open = Callable[..., SqliteBackend]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?cache=shared&uri=true",
        "sqlite:///file:name?mode=memory&cache=shared&uri=true",
    ],
)
def test_a_url_of_a_database_in_memory_is_refused(open_sqlite: Open, url: str) -> None:
    with pytest.raises(ConfigurationError, match="memory"):
        open_sqlite(url)


@pytest.mark.parametrize("options", [{}, {"poolclass": StaticPool}])
def test_an_engine_whose_threads_share_a_connection_or_cannot_share_a_database_is_refused(
    open_sqlite: Open, options: dict[str, Any]
) -> None:
    engine = sqlalchemy.create_engine("sqlite://", **options)
    with pytest.raises(ConfigurationError, match="thread"):
        open_sqlite(engine)


def test_an_engine_on_a_shared_database_in_memory_is_taken(open_sqlite: Open) -> None:
    engine = sqlalchemy.create_engine(
        "sqlite:///file:shared?mode=memory&cache=shared&uri=true", poolclass=QueuePool
    )
    with engine.connect():
        backend = open_sqlite(engine)
        backend.migrate([("1", "CREATE TABLE outbox_partitions (id INTEGER);")])
        assert backend.applied_migrations() == ["1"]
        backend.check_server()
    engine.dispose()


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///x.db", "sqlite+pysqlcipher:///x.db"])
def test_another_driver_is_refused(open_sqlite: Open, url: str) -> None:
    with pytest.raises(ConfigurationError, match="sqlite:///path"):
        open_sqlite(url)


def test_a_schema_is_refused(open_sqlite: Open, database: Database) -> None:
    with pytest.raises(ConfigurationError, match="schema"):
        open_sqlite(database.url, naming=Naming("outbox", "app"))


@pytest.mark.parametrize(("query", "level"), [("", 2), ("?synchronous=full", 2), ("?synchronous=normal", 1)])
def test_commits_reach_the_disk_unless_asked_otherwise(
    open_sqlite: Open, migrated: Database, query: str, level: int
) -> None:
    with open_sqlite(migrated.url + query).connection() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (level,)


def test_an_unknown_level_of_synchronisation_is_refused(open_sqlite: Open, migrated: Database) -> None:
    with pytest.raises(ConfigurationError, match="synchronous"):
        open_sqlite(f"{migrated.url}?synchronous=off")


def test_a_file_that_cannot_be_opened_is_a_lost_connection(open_sqlite: Open) -> None:
    with pytest.raises(ConnectionLost):
        open_sqlite("sqlite:////nowhere/at/all.db").check_server()


def test_a_closed_backend_says_so(store: SqliteBackend) -> None:
    store.pending([1])
    store.close()

    with pytest.raises(OutboxClosed):
        store.pending([1])
    store.close()


def test_a_connection_lent_while_the_backend_closes_is_closed_when_it_comes_back(
    store: SqliteBackend,
) -> None:
    with store.connection() as connection:
        store.close()

    with pytest.raises(Exception, match="closed"):
        connection.execute("SELECT 1")


def test_nobody_can_listen(store: SqliteBackend) -> None:
    assert not store.can_notify
    store.notify([1])
    with pytest.raises(DatabaseError, match="polling"):
        store.listen()
