from __future__ import annotations

import psycopg_pool
import pytest

import outbox
from outbox import EnqueueMessage, Outbox
from tests.acceptance.schema.shape import shape, tables
from tests.support import Database

TABLES = {
    "body",
    "partitions",
    "incoming",
    "outgoing",
    "processor",
    "vacuum",
    "dead_letters",
    "failures",
    "migrations",
    "installation",
    "epochs",
    "queues",
    "pauses",
    "delayed",
    "dedup",
    "history",
    "parked_keys",
    "parked",
}


def family(prefix: str) -> set[str]:
    return {f"{prefix}_{table}" for table in TABLES}


def test_migrating_creates_the_whole_family_of_tables(database: Database) -> None:
    applied = outbox.migrate(database.url)
    assert tables(database) == family("outbox")
    assert applied == [step.name for step in outbox.migrations(database.backend)]
    assert [name for (name,) in database.query("SELECT name FROM outbox_migrations ORDER BY name")] == applied


def test_migrating_again_changes_nothing(database: Database) -> None:
    outbox.migrate(database.url)
    before = shape(database)
    with Outbox.builder(database.url).queue("orders", 2).enqueue_only().open() as opened:
        opened.enqueue_now("orders", b"kept")

    assert outbox.migrate(database.url) == []
    assert shape(database) == before
    assert database.count("outbox_body") == 1


def test_a_prefix_names_every_table(database: Database) -> None:
    outbox.migrate(database.url, prefix="shop")
    assert tables(database) == family("shop")


def test_two_families_live_side_by_side(database: Database) -> None:
    outbox.migrate(database.url, prefix="east")
    outbox.migrate(database.url, prefix="west")
    for prefix, count in (("east", 2), ("west", 4)):
        builder = Outbox.builder(database.url).table_prefix(prefix).queue("orders", count).enqueue_only()
        with builder.open() as opened, opened.transaction() as conn:
            opened.enqueue_batch(conn, "orders", [EnqueueMessage(b"")] * count)
    assert (database.count("east_body"), database.count("west_body")) == (2, 4)
    assert (database.count("east_partitions"), database.count("west_partitions")) == (2, 4)

    outbox.rollback(database.url, prefix="east")
    assert tables(database) == family("west")
    assert database.count("west_body") == 4


def test_rolling_back_removes_everything_and_can_be_repeated(database: Database) -> None:
    empty = shape(database)
    applied = outbox.migrate(database.url)
    with Outbox.builder(database.url).queue("orders", 2).enqueue_only().open() as opened:
        opened.enqueue_now("orders", b"gone")

    assert outbox.rollback(database.url) == applied[::-1]
    assert tables(database) == set()
    # SQLite keeps an empty table of its own once ids were handed out.
    assert {line for line in shape(database) if "sqlite_sequence" not in line} == empty
    assert outbox.rollback(database.url) == []
    assert tables(database) == set()
    assert outbox.migrate(database.url) == applied


def test_rolling_back_leaves_the_applications_tables(database: Database) -> None:
    database.execute("CREATE TABLE orders (id integer)")
    outbox.migrate(database.url)
    outbox.rollback(database.url)
    assert tables(database) == {"orders"}


def test_an_engine_serves_as_target_and_stays_open(database: Database) -> None:
    engine = database.engine()
    applied = outbox.migrate(engine)
    assert tables(database) == family("outbox")
    assert outbox.rollback(engine) == applied[::-1]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


@pytest.mark.backends("postgresql")
def test_a_psycopg_pool_serves_as_target_and_stays_open(database: Database) -> None:
    with psycopg_pool.ConnectionPool(database.url, min_size=1, max_size=2) as pool:
        assert outbox.migrate(pool)
        with pool.connection() as connection:
            assert connection.execute("SELECT count(*) FROM outbox_body").fetchone() == (0,)
        with Outbox.builder(pool).queue("orders", 2).enqueue_only().open() as opened:
            opened.enqueue_now("orders", b"")
        assert not pool.closed


@pytest.mark.backends("postgresql")
def test_the_tables_of_a_schema_are_apart_from_those_outside(database: Database) -> None:
    database.execute("CREATE SCHEMA app")
    outbox.migrate(database.url, schema="app")
    assert tables(database, "app") == family("outbox")
    assert tables(database) == set()

    with Outbox.builder(database.url).schema("app").queue("orders", 2).enqueue_only().open() as opened:
        opened.enqueue_now("orders", b"")
    assert database.count("app.outbox_incoming") == 1

    outbox.rollback(database.url, schema="app")
    assert tables(database, "app") == set()
