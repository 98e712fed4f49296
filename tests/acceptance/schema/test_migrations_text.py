from __future__ import annotations

import sqlite3
from typing import Any

import pytest

import outbox
from outbox import ConfigurationError, Outbox
from outbox.statements.tables import TABLES
from tests.acceptance.schema.shape import shape, tables
from tests.support import Database
from tests.support.databases import Provider


def run_script(database: Database, text: str) -> None:
    """Run a script as a person would, with nothing but the driver."""
    connection: Any = database.connect(autocommit=True)
    if isinstance(connection, sqlite3.Connection):
        connection.executescript(text)
        return
    cursor = connection.cursor()
    cursor.execute(text)
    while cursor.nextset():
        pass
    cursor.close()


@pytest.mark.parametrize("prefix", ["outbox", "shop"])
def test_the_text_makes_the_same_tables_as_migrate(
    database: Database, provider: Provider, prefix: str
) -> None:
    for step in outbox.migrations(database.backend, prefix=prefix):
        run_script(database, step.up)
    reference = provider.empty()
    outbox.migrate(reference.url, prefix=prefix)
    assert shape(database) == shape(reference)
    provider.drop(reference)


def test_tables_made_from_the_text_are_ready_for_use(database: Database) -> None:
    for step in outbox.migrations(database.backend):
        run_script(database, step.up)
    assert outbox.migrate(database.url) == []
    with Outbox.builder(database.url).queue("orders", 2).enqueue_only().open() as opened:
        assert opened.enqueue_now("orders", b"") > 0


@pytest.mark.parametrize("made_by", ["text", "migrate"])
def test_the_text_takes_back_what_either_way_made(database: Database, made_by: str) -> None:
    steps = outbox.migrations(database.backend)
    if made_by == "migrate":
        outbox.migrate(database.url)
    else:
        for step in steps:
            run_script(database, step.up)
    assert tables(database) == {f"outbox_{name}" for name in TABLES}
    for step in reversed(steps):
        run_script(database, step.down)
    assert tables(database) == set()


def test_rolling_back_takes_back_what_the_text_made(database: Database) -> None:
    steps = outbox.migrations(database.backend)
    for step in steps:
        run_script(database, step.up)
    assert outbox.rollback(database.url) == [step.name for step in reversed(steps)]
    assert tables(database) == set()


def test_the_steps_are_in_order_and_named_once(backend: str) -> None:
    names = [step.name for step in outbox.migrations(backend)]
    assert names == sorted(set(names))
    assert names[0].startswith("0001_")


def test_a_prefix_leaves_no_default_name_behind(backend: str) -> None:
    for step in outbox.migrations(backend, prefix="shop"):
        assert "outbox_" not in step.up + step.down
        assert "shop_body" in step.up + step.down


@pytest.mark.backends("postgresql")
def test_a_schema_qualifies_every_table(backend: str) -> None:
    (first, *_) = outbox.migrations(backend, schema="app")
    assert '"app".outbox_body' in first.up
    assert '"app".outbox_body' in first.down


@pytest.mark.backends("sqlite", "mysql", "mariadb")
def test_a_schema_is_refused_where_there_is_none(backend: str) -> None:
    with pytest.raises(ConfigurationError, match="schema"):
        outbox.migrations(backend, schema="app")


@pytest.mark.parametrize("name", ["oracle", "", "PostgreSQL", None])
def test_an_unknown_backend_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="postgresql, mysql, mariadb or sqlite"):
        outbox.migrations(name)
