"""Databases and clients in other encodings than UTF-8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest
import sqlalchemy
from psycopg_pool import ConnectionPool

import outbox
from outbox import ConfigurationError, Outbox, Partitions
from tests.support import Database, eventually
from tests.support.databases.postgres import PostgresDatabase

pytestmark = pytest.mark.backends("postgresql")
TEXT = "na\u00efve \u20ac \u65e5\u672c \U0001f600"
ENCODINGS = ("LATIN1", "EUC_JP", "WIN1252", "SQL_ASCII")


@pytest.fixture(params=ENCODINGS)
def encoded(request: pytest.FixtureRequest, database: Database) -> Iterator[PostgresDatabase]:
    """A database in another encoding."""
    name = f"{database.url.rpartition('/')[2]}_{request.param.lower()}"
    database.execute(
        f"CREATE DATABASE {name} ENCODING '{request.param}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    yield PostgresDatabase(f"{database.url.rpartition('/')[0]}/{name}", name)
    database.execute(f"DROP DATABASE {name} WITH (FORCE)")


def assert_messages_come_and_failures_are_kept(target: str) -> None:
    assert outbox.migrate(target)
    assert outbox.migrate(target) == []
    calls: Counter[object] = Counter()

    def handle(msg: outbox.OutboxMessage) -> None:
        value = msg.json() if msg.payload_type == "application/json" else msg.payload
        calls[value] += 1
        if msg.headers.get("fails"):
            raise ValueError(TEXT)

    builder = Outbox.builder(target).stats_interval(0).queue("orders", Partitions.of(4))
    with builder.leased(handle, max_attempts=1).start() as running:
        box = running.outbox
        with box.transaction() as conn:
            # One pass takes all four, and settles them together.
            box.enqueue(conn, "orders", TEXT, partition=0, headers={"city": "M\u00fcnchen", "fails": "1"})
            box.enqueue(conn, "orders", b"\xff\x00", partition=1)
            box.enqueue(conn, "orders", "a", partition=2)
            box.enqueue(conn, "orders", "b", partition=3, key=None)
        eventually(lambda: len(calls) == 4 and box.dead_letters.count() == 1)
        (letter,) = box.dead_letters.list()
        assert str(letter.last_error).startswith("ValueError: na")
        assert letter.headers["city"] == "M\u00fcnchen"
        box.dead_letters.reject(box.dead_letters.replay(), TEXT)
        assert str(box.dead_letters.list()[0].last_error).startswith("na")
    assert calls == Counter({TEXT: 1, b"\xff\x00": 1, "a": 1, "b": 1})


def test_a_database_in_any_encoding_works(encoded: PostgresDatabase) -> None:
    assert_messages_come_and_failures_are_kept(encoded.url)


@pytest.mark.parametrize("client", ["LATIN1", "SQL_ASCII", "EUC_JP"])
def test_the_encoding_of_the_environment_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, client: str
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", client)
    assert_messages_come_and_failures_are_kept(database.url)


def test_a_pool_without_an_encoding_is_refused_by_open_and_migrate_alike(migrated: Database) -> None:
    options = {"client_encoding": "SQL_ASCII"}
    with ConnectionPool(migrated.url, kwargs=options, min_size=1, max_size=2) as pool:
        with pytest.raises(ConfigurationError, match="client_encoding is 'SQL_ASCII'"):
            outbox.migrate(pool)
        with pytest.raises(ConfigurationError, match="client_encoding is 'SQL_ASCII'"):
            Outbox.builder(pool).queue("orders", 1).enqueue_only().open()


def test_an_engine_in_latin1_stores_what_it_can_of_an_errors_text(migrated: Database) -> None:
    engine = sqlalchemy.create_engine(migrated.sqlalchemy_url, connect_args={"client_encoding": "LATIN1"})
    builder = Outbox.builder(engine).stats_interval(0).queue("orders", 1)

    def fail(_: object) -> None:
        raise ValueError(TEXT)

    with builder.leased(fail, max_attempts=1).start() as running:
        running.outbox.enqueue_now("orders", TEXT)
        eventually(lambda: running.outbox.dead_letters.count() == 1)
        (letter,) = running.outbox.dead_letters.list()
        assert letter.last_error == "ValueError: na\\xefve \\u20ac \\u65e5\\u672c \\U0001f600"
        assert letter.payload.decode() == f'"{TEXT}"'
    with closing(migrated.connect()) as conn:
        assert conn.execute("SHOW client_encoding").fetchone() == ("UTF8",)
    engine.dispose()
