from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg_pool
import pytest
import sqlalchemy
from sqlalchemy.pool import StaticPool

import outbox
from outbox import ConfigurationError, DatabaseError, Outbox
from tests.support import Database

# Whatever goes wrong with a URL, these never show.
SECRETS = ("s3cret", "w0rd")
ENTRANCES: list[Callable[[Any], object]] = [
    lambda target: Outbox.builder(target).open(),
    outbox.migrate,
    outbox.rollback,
]


def refuse(target: Any) -> ConfigurationError:
    """Give a target everywhere, and return the one sentence that each place answers with."""
    errors = []
    for enter in ENTRANCES:
        with pytest.raises(ConfigurationError) as caught:
            enter(target)
        errors.append(caught.value)
    assert len({str(error) for error in errors}) == 1
    assert_discreet(errors[0])
    return errors[0]


def assert_discreet(error: BaseException) -> None:
    """One line, and no password in anything that a log would show."""
    assert "\n" not in str(error)
    shown = "".join(traceback.format_exception_only(type(error), error)) + repr(error)
    assert not any(secret in shown for secret in SECRETS)


@pytest.mark.parametrize(
    "target",
    ["", "not a url", "orders.db", "host=db password=s3cret", "postgresql:/u:s3cret@db", None, 7, object()],
)
def test_what_is_no_target_is_answered_with_what_is_one(target: Any) -> None:
    error = refuse(target)
    assert error.option == "target"
    # A text comes from a command line, or was meant as a URL.
    assert ("sqlalchemy.Engine" in error.problem) is not isinstance(target, str)
    assert "postgresql://…" in error.problem
    with pytest.raises(ConfigurationError):
        Outbox.builder(target)


@pytest.mark.parametrize(
    "url", ["redis://u:s3cret@db/0", "oracle://u:s3cret@db/x", "postgress://u:s3cret@db/x"]
)
def test_an_unknown_kind_of_database_is_answered_with_the_known_ones(url: str) -> None:
    error = refuse(url)
    assert error.value == url.partition(":")[0]
    assert "postgresql://…, mysql://…, mariadb://…, sqlite:///…" in error.problem


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("postgresql+psycopg2://u:s3cret@db/x", "postgresql+psycopg://…"),
        ("postgresql+asyncpg://u:s3cret@db/x", "postgresql+psycopg://…"),
        ("mysql+pymysql://u:s3cret@db/x", "mysql+mysqlconnector://…"),
        ("mariadb+mariadbconnector://u:s3cret@db/x", "mariadb+mysqlconnector://…"),
        ("sqlite+aiosqlite:///x.db", "sqlite+pysqlite://…"),
    ],
)
def test_another_driver_is_answered_with_the_url_to_use(url: str, right: str) -> None:
    error = refuse(url)
    assert right in error.problem
    assert "welcome in enqueue" in error.problem


def test_an_engine_on_another_driver_is_answered_with_the_url_to_use() -> None:
    for url, right in (
        ("postgresql+psycopg2://u:s3cret@db/x", "postgresql+psycopg://…"),
        ("mysql+pymysql://u:s3cret@db/x", "mysql+mysqlconnector://…"),
    ):
        assert right in refuse(sqlalchemy.create_engine(url)).problem


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret@w0rd@db/x",
        "postgresql://u:s3cret/w0rd@db/x",
        "mysql://u:s3cret@w0rd@db/x",
    ],
)
def test_a_password_that_breaks_its_url_is_answered_with_how_to_write_it(url: str) -> None:
    assert "%40" in refuse(url).problem


@pytest.mark.parametrize(
    "url", ["postgresql://u:s3cret@db:port/x", "mysql://u:s3cret@db:33x06/x", "postgresql://u:s3cret@[db/x"]
)
def test_a_url_that_cannot_be_read_is_shown_without_its_password(url: str) -> None:
    assert refuse(url).value == url.replace("s3cret", "***")


@pytest.mark.parametrize("url", ["postgresql://u:s3%zzcret@db/x", "postgresql://u:s3cret@db/x?nonsense=1"])
def test_what_libpq_cannot_read_is_shown_without_the_password(url: str) -> None:
    error = refuse(url)
    assert error.problem.startswith("invalid ")
    assert "u:***@db/x" in str(error.value)


@pytest.mark.parametrize("url", ["mysql://u:s3cret@db", "mysql://u:s3cret@db/", "mariadb://u:s3cret@db:3306"])
def test_a_mysql_url_without_a_database_is_refused(url: str) -> None:
    assert "name the database" in refuse(url).problem


@pytest.mark.backends("mysql", "mariadb")
def test_an_engine_without_a_database_is_told_what_is_missing(database: Database) -> None:
    engine = sqlalchemy.create_engine(sqlalchemy.make_url(database.sqlalchemy_url).set(database=""))
    for enter in ENTRANCES:
        with pytest.raises(DatabaseError, match="No database selected"):
            enter(engine)
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///shop.db?nosuch=1", "it has no option 'nosuch'"),
        ("postgresql://u:s3cret@db/x?connect_timeout=abc", "give whole seconds"),
    ],
)
def test_an_option_of_a_url_that_cannot_work_is_named(url: str, words: str) -> None:
    assert words in refuse(url).problem


def test_a_file_that_is_not_there_is_no_outbox_and_is_not_made(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/typo.db"
    with pytest.raises(outbox.SchemaNotReady, match="0001_create_tables"):
        Outbox.builder(url).open()
    assert outbox.rollback(url) == []
    assert list(tmp_path.iterdir()) == []


def test_what_was_closed_or_stopped_cannot_be_entered(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    outbox.migrate(url)
    builder = Outbox.builder(url).queue("orders", 1).leased(lambda _msg: None)
    box, handle = builder.open(), builder.start()
    box.close()
    handle.stop()
    for closed in (box, handle):
        with pytest.raises(outbox.OutboxClosed), closed:
            pass


def test_a_class_is_no_tracker(tmp_path: Path) -> None:
    builder = Outbox.builder(f"sqlite:///{tmp_path}/shop.db")
    with pytest.raises(ConfigurationError, match="give an instance of it"):
        builder.quarantine(outbox.InMemoryFailureTracker, threshold=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    assert "the path of a file" in refuse(url).problem


def test_an_engine_whose_threads_share_one_connection_is_refused(tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'a.db'}", poolclass=StaticPool)
    assert "one connection to all threads" in refuse(engine).problem


def test_an_asynchronous_pool_is_refused() -> None:
    pool = psycopg_pool.AsyncConnectionPool("postgresql://db/x", open=False)
    assert refuse(pool).value == "AsyncConnectionPool"


@pytest.mark.backends("mysql", "mariadb")
def test_an_option_that_the_driver_does_not_know_is_refused(database: Database) -> None:
    error = refuse(f"{database.url}?nonsense=1")
    assert "'nonsense'" in error.problem


@pytest.mark.backends("postgresql")
def test_of_several_hosts_the_one_that_answers_is_used(database: Database) -> None:
    place = urlsplit(database.url).netloc.rpartition("@")[2]
    url = database.url.replace(place, f"127.0.0.1:1,{place}")
    assert outbox.migrate(url)
    with Outbox.builder(url).queue("orders", 1).enqueue_only().open() as opened:
        assert opened.enqueue_now("orders", b"") > 0


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_database_that_does_not_exist_is_named(database: Database) -> None:
    for enter in ENTRANCES:
        with pytest.raises(DatabaseError, match="no_such_database") as caught:
            enter(database.url.rpartition("/")[0] + "/no_such_database")
        assert_discreet(caught.value)


@pytest.mark.backends("mysql", "mariadb")
def test_a_user_who_may_not_enter_is_told_so_without_the_password(database: Database) -> None:
    place = urlsplit(database.url).netloc.rpartition("@")[2]
    # A MySQL without TLS does not even take the password of a user it has not seen before.
    refusal = "Access denied for user 'nobody'|Authentication requires secure connection"
    for enter in ENTRANCES:
        with pytest.raises(DatabaseError, match=refusal) as caught:
            enter(f"mysql://nobody:s3cret@{place}/x")
        assert_discreet(caught.value)


def test_a_sqlite_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "shop.db"
    for enter in ENTRANCES:
        with pytest.raises(DatabaseError, match="unable to open database file") as caught:
            enter(f"sqlite:///{path}")
        assert str(path) in str(caught.value)
        assert_discreet(caught.value)
    assert not path.parent.exists()


@pytest.mark.backends("postgresql")
def test_a_schema_that_does_not_exist_is_named(database: Database) -> None:
    with pytest.raises(DatabaseError, match=r'"nowhere" does not exist; create the schema first$'):
        outbox.migrate(database.url, schema="nowhere")
    with pytest.raises(outbox.SchemaNotReady, match="schema='nowhere'"):
        Outbox.builder(database.url).schema("nowhere").open()


@pytest.mark.backends("sqlite", "mysql", "mariadb")
def test_a_schema_is_refused_where_there_is_none(migrated: Database) -> None:
    with pytest.raises(ConfigurationError, match="only PostgreSQL has schemas"):
        outbox.migrate(migrated.url, schema="app")
    with pytest.raises(ConfigurationError, match="only PostgreSQL has schemas"):
        Outbox.builder(migrated.url).schema("app").open()
