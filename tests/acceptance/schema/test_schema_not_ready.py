from __future__ import annotations

from collections.abc import Callable

import pytest

import outbox
from outbox import Outbox, OutboxBuilder, SchemaNotReady
from tests.support import Database

ENTRANCES: list[Callable[[OutboxBuilder], object]] = [OutboxBuilder.open, OutboxBuilder.start]
either_way = pytest.mark.parametrize("enter", ENTRANCES, ids=["open", "start"])


def refused(builder: OutboxBuilder, enter: Callable[[OutboxBuilder], object]) -> SchemaNotReady:
    with pytest.raises(SchemaNotReady) as caught:
        enter(builder.queue("orders", 2).leased(print))
    return caught.value


@either_way
def test_without_tables_the_error_names_the_command_that_makes_them(
    database: Database, enter: Callable[[OutboxBuilder], object]
) -> None:
    error = refused(Outbox.builder(database.url), enter)
    assert error.missing == tuple(step.name for step in outbox.migrations(database.backend))
    assert error.command == "outbox.migrate(target)"
    assert error.command in str(error)
    assert "\n" not in str(error)


@either_way
def test_tables_of_an_older_release_are_refused_with_what_is_missing(
    migrated: Database, enter: Callable[[OutboxBuilder], object]
) -> None:
    newest = outbox.migrations(migrated.backend)[-1].name
    migrated.execute("DELETE FROM outbox_migrations WHERE name = ?", newest)
    assert refused(Outbox.builder(migrated.url), enter).missing == (newest,)
    migrated.execute("INSERT INTO outbox_migrations (name) VALUES (?)", newest)
    Outbox.builder(migrated.url).open().close()


def test_the_command_repeats_the_prefix(migrated: Database) -> None:
    error = refused(Outbox.builder(migrated.url).table_prefix("shop"), OutboxBuilder.open)
    assert error.command == "outbox.migrate(target, prefix='shop')"


@pytest.mark.backends("postgresql")
def test_the_command_repeats_the_schema(migrated: Database) -> None:
    migrated.execute("CREATE SCHEMA app")
    error = refused(Outbox.builder(migrated.url).table_prefix("shop").schema("app"), OutboxBuilder.open)
    assert error.command == "outbox.migrate(target, prefix='shop', schema='app')"


def test_an_engine_is_told_the_same_and_stays_open(database: Database) -> None:
    engine = database.engine()
    refused(Outbox.builder(engine), OutboxBuilder.open)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1


def test_the_tables_of_a_newer_release_are_taken(migrated: Database) -> None:
    migrated.execute("INSERT INTO outbox_migrations (name) VALUES (?)", "9999_of_tomorrow")
    Outbox.builder(migrated.url).open().close()
    migrated.execute("DELETE FROM outbox_migrations WHERE name = ?", "9999_of_tomorrow")


def test_once_migrated_the_same_builder_opens(database: Database) -> None:
    builder = Outbox.builder(database.url).queue("orders", 2).enqueue_only()
    with pytest.raises(SchemaNotReady):
        builder.open()
    outbox.migrate(database.url)
    with builder.open() as opened:
        assert opened.enqueue_now("orders", b"") > 0
