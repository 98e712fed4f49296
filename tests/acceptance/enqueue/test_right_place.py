"""A connection that leads to another database, server, schema or file than the outbox's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

import outbox as library
from outbox import DeadLetterScope, Outbox, Partitions, WrongDatabase
from tests.connections.support import connections
from tests.support import Database, PrivateServer
from tests.support.databases.provider import Provider

QUEUE = "orders"


@pytest.fixture
def other(provider: Provider) -> Iterator[Database]:
    """Another database with the same tables."""
    database = provider.migrated()
    yield database
    provider.recycle(database)


def opened(target: Any, **options: Any) -> Outbox:
    builder = Outbox.builder(target)
    for option, value in options.items():
        getattr(builder, option)(value)
    return builder.queue(QUEUE, Partitions.of(1)).enqueue_only().open()


@pytest.fixture
def box(migrated: Database) -> Iterator[Outbox]:
    with opened(migrated.url) as box:
        yield box


def assert_refused(box: Outbox, given: object, elsewhere: Database) -> None:
    for _ in range(2):
        with pytest.raises(WrongDatabase, match=r"leads to .*while the outbox is in") as caught:
            box.enqueue(given, QUEUE, 1)
        assert "\n" not in str(caught.value)
    assert elsewhere.count("outbox_body") == 0


def test_every_drivers_connection_to_another_database_is_refused(
    box: Outbox, migrated: Database, other: Database
) -> None:
    right, wrong = connections(migrated), connections(other)
    for name, raw in wrong.items():
        for given in (raw, raw.cursor()):
            assert_refused(box, given, other)
        raw.commit()
        box.enqueue(right[name], QUEUE, 1)
        right[name].commit()
        assert_refused(box, raw, other)
        raw.close()
    assert migrated.count("outbox_body") == len(right)
    assert other.count("outbox_body") == 0
    for raw in right.values():
        raw.close()


def test_sqlalchemys_connections_to_another_database_are_refused(
    box: Outbox, migrated: Database, other: Database
) -> None:
    with other.engine().connect() as conn, Session(other.engine()) as session:
        assert_refused(box, conn, other)
        assert_refused(box, session, other)
    with Session(migrated.engine()) as session:
        box.enqueue(session, QUEUE, 1)
        session.commit()
    assert migrated.count("outbox_body") == 1


def test_dead_letters_on_a_connection_to_another_database_are_refused(box: Outbox, other: Database) -> None:
    conn = other.connect()
    with pytest.raises(WrongDatabase):
        box.dead_letters.requeue(DeadLetterScope(queue=QUEUE), conn=conn)
    with pytest.raises(WrongDatabase):
        box.dead_letters.list(conn=conn)


def test_an_outbox_of_each_database_takes_its_own_connections(migrated: Database, other: Database) -> None:
    with opened(migrated.url) as here, opened(other.url) as there:
        for _ in range(2):
            for box, database in ((here, migrated), (there, other)):
                conn = database.connect()
                box.enqueue(conn, QUEUE, 1)
                conn.commit()
    assert migrated.count("outbox_body") == other.count("outbox_body") == 2


@pytest.mark.backends("postgresql")
def test_another_search_path_leads_to_the_outboxs_own_tables(box: Outbox, migrated: Database) -> None:
    migrated.execute("CREATE SCHEMA tenant")
    library.migrate(migrated.url, schema="tenant")
    first, later = migrated.connect(), migrated.connect()
    first.execute("SET search_path TO tenant")
    box.enqueue(later, QUEUE, 1)
    later.execute("SET search_path TO tenant")
    for conn in (first, later, later):
        box.enqueue(conn, QUEUE, 1)
    later.execute("CREATE TEMPORARY TABLE outbox_body (LIKE public.outbox_body INCLUDING ALL)")
    box.enqueue(later, QUEUE, 1)
    first.commit()
    later.commit()
    assert migrated.count("public.outbox_incoming") == 5
    assert migrated.count("tenant.outbox_incoming") == 0
    with opened(migrated.url, schema="tenant") as tenants:
        conn = migrated.connect()
        tenants.enqueue(conn, QUEUE, 1)
        conn.commit()
    assert migrated.count("tenant.outbox_incoming") == 1


@pytest.mark.backends("mysql", "mariadb")
def test_a_use_after_the_first_message_leads_to_the_outboxs_own_tables(
    box: Outbox, migrated: Database, other: Database
) -> None:
    conn = migrated.connect()
    box.enqueue(conn, QUEUE, 1)
    conn.cursor().execute(f"USE `{other.url.rpartition('/')[2]}`")
    box.enqueue(conn, QUEUE, 1)
    box.enqueue(conn, QUEUE, 1)
    conn.commit()
    assert migrated.count("outbox_body") == 3
    assert other.count("outbox_body") == 0


@pytest.mark.backends("postgresql", "mysql", "mariadb")
@pytest.mark.slow
def test_the_same_name_on_another_server_is_refused(
    box: Outbox, migrated: Database, private_server: PrivateServer
) -> None:
    elsewhere = private_server.new_database()
    with opened(elsewhere.url) as there:
        assert_refused(there, migrated.connect(), migrated)
    assert_refused(box, elsewhere.connect(), elsewhere)


@pytest.mark.backends("postgresql", "mysql", "mariadb")
@pytest.mark.slow
def test_a_restarted_server_is_still_the_right_one(private_server: PrivateServer) -> None:
    database = private_server.new_database()
    with opened(database.url) as box:
        for _ in range(2):
            conn = database.connect()
            box.enqueue(conn, QUEUE, 1)
            conn.commit()
            conn.close()
            private_server.restart()
        assert database.count("outbox_body") == 2


@pytest.mark.backends("sqlite")
class TestFiles:
    def test_links_and_relative_paths_lead_to_the_same_file(
        self, box: Outbox, migrated: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = Path(migrated.url.removeprefix("sqlite:///"))
        monkeypatch.chdir(path.parent)
        (tmp_path / "link.db").symlink_to(path)
        for name in (path.name, f"file:{path}?mode=rw"):
            with closing(sqlite3.connect(name, uri=name.startswith("file:"))) as conn:
                box.enqueue(conn, QUEUE, 1)
                conn.commit()
        assert migrated.count("outbox_body") == 2

    def test_a_database_in_memory_is_refused(self, box: Outbox) -> None:
        with closing(sqlite3.connect(":memory:")) as conn, pytest.raises(WrongDatabase, match="in memory"):
            box.enqueue(conn, QUEUE, 1)

    def test_the_outboxs_file_may_be_an_attached_one(
        self, box: Outbox, migrated: Database, other: Database
    ) -> None:
        with closing(other.connect(isolation_level=None)) as conn:
            conn.execute("ATTACH ? AS shop", (migrated.url.removeprefix("sqlite:///"),))
            conn.execute("BEGIN")
            box.enqueue(conn, QUEUE, 1)
            conn.execute("COMMIT")
            conn.execute("DETACH shop")
            conn.execute("BEGIN")
            assert_refused(box, conn, other)
        assert migrated.count("outbox_body") == 1

    def test_a_temporary_table_of_the_same_name_takes_nothing(self, box: Outbox, migrated: Database) -> None:
        with closing(migrated.connect()) as conn:
            conn.execute("CREATE TEMPORARY TABLE outbox_body (id INTEGER, payload, payload_type, headers)")
            box.enqueue(conn, QUEUE, 1)
            conn.commit()
        assert migrated.count("outbox_body") == 1

    def test_a_new_connection_at_the_address_of_a_closed_one_is_looked_at(
        self, box: Outbox, migrated: Database, other: Database
    ) -> None:
        paths = [database.url.removeprefix("sqlite:///") for database in (migrated, other)]
        for _ in range(50):
            conn = sqlite3.connect(paths[0])
            box.enqueue(conn, QUEUE, 1)
            conn.rollback()
            del conn
            conn = sqlite3.connect(paths[1])  # usually at the same address
            with pytest.raises(WrongDatabase):
                box.enqueue(conn, QUEUE, 1)
            conn.close()


@pytest.mark.backends("postgresql")
def test_the_hundredth_message_on_a_connection_asks_nothing(box: Outbox, migrated: Database) -> None:
    conn = migrated.connect()
    box.enqueue(conn, QUEUE, 1)
    places = conn.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%postmaster%'")
    assert places.fetchone() == (0,)
    for _ in range(100):
        box.enqueue(conn, QUEUE, 1)
    # Had it been asked more than five times, psycopg would have prepared it.
    places = conn.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%postmaster%'")
    assert places.fetchone() == (0,)
