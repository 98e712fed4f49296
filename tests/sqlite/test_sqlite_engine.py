from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import event
from sqlalchemy.pool import NullPool

from outbox.backends.sqlite import SqliteBackend
from outbox.errors import DatabaseError
from tests.support import Database

pytestmark = pytest.mark.backends("sqlite")
Open = Callable[..., SqliteBackend]


def use(backend: SqliteBackend) -> None:
    """Read, write, and lend a connection."""
    ids = backend.register_queue("orders", 2)
    assert backend.pending(ids) == []
    assert [found.moved for found in backend.sequence(ids, 10)] == [0, 0]
    with backend.connection() as connection:
        found = connection.execute(sqlalchemy.text("SELECT count(*) FROM outbox_partitions"))
        assert found.scalar() == 2


def settings(connection: Any) -> tuple[object, ...]:
    names = ("isolation_level", "autocommit", "row_factory", "text_factory", "in_transaction")
    return tuple(getattr(connection, name, None) for name in names)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"poolclass": NullPool},
        {"isolation_level": "AUTOCOMMIT"},
        {"connect_args": {"isolation_level": "EXCLUSIVE"}},
        pytest.param(
            {"connect_args": {"autocommit": False}},
            marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="new in Python 3.12"),
        ),
        pytest.param(
            {"connect_args": {"autocommit": True}},
            marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="new in Python 3.12"),
        ),
    ],
)
def test_the_users_connections_come_back_as_they_were(
    open_sqlite: Open, migrated: Database, options: dict[str, Any]
) -> None:
    engine = migrated.engine(**options)
    before: dict[int, tuple[object, ...]] = {}

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.row_factory = sqlite3.Row
        connection.text_factory = bytes

    @event.listens_for(engine, "checkout")
    def remember(connection: Any, *_: object) -> None:
        before[id(connection)] = settings(connection)

    @event.listens_for(engine, "checkin")
    def compare(connection: Any, _: object) -> None:
        # None stands for one that does not come back, see below.
        assert connection is None or settings(connection) == before.pop(id(connection))

    @event.listens_for(engine, "invalidate")
    def closed(connection: Any, *_: object) -> None:
        # A handler or a block of `transaction()` had it, and may have told it anything.
        del before[id(connection)]

    with engine.connect():  # SQLAlchemy's own first look at the database
        pass
    use(open_sqlite(engine))
    assert before == {}
    assert migrated.count("outbox_partitions") == 2


def test_an_engine_that_begins_by_itself_is_used_with_the_write_lock_all_the_same(
    open_sqlite: Open, migrated: Database
) -> None:
    engine = migrated.engine()

    @event.listens_for(engine, "connect")
    def no_legacy(connection: Any, _: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: sqlalchemy.Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    backend = open_sqlite(engine)
    use(backend)
    with backend.connection(), migrated.session() as other:
        other.query("PRAGMA busy_timeout = 0")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


def test_a_new_transaction_after_a_commit_is_not_taken_for_the_lent_one(
    open_sqlite: Open, migrated: Database
) -> None:
    backend = open_sqlite(migrated.engine())

    with pytest.raises(DatabaseError, match="transaction"), backend.connection() as connection:  # noqa: PT012 - the block is the user
        connection.commit()
        connection.exec_driver_sql("BEGIN")


def test_the_users_engine_stays_open(open_sqlite: Open, migrated: Database) -> None:
    engine = migrated.engine()
    backend = open_sqlite(engine)
    backend.close()

    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT 1")) == 1
