from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData, create_engine, inspect, select
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

import outbox
from outbox import Outbox, OutboxError, Reject
from outbox.contrib.sqlalchemy import tables
from outbox.statements.tables import TABLES
from outbox.testing import drain
from tests.support import Database


def test_the_tables_are_those_of_the_database(migrated: Database) -> None:
    engine = migrated.engine()
    found = inspect(engine)
    made = tables(MetaData())
    assert made.keys() == TABLES
    for name, table in made.items():
        there = {column["name"]: column for column in found.get_columns(f"outbox_{name}")}
        assert set(table.columns.keys()) == set(there), name
        for column in table.columns:
            expected, actual = sql_of(column.type, engine), sql_of(there[column.name]["type"], engine)
            assert expected == actual, (name, column.name)
            assert column.primary_key or column.nullable == there[column.name]["nullable"], (
                name,
                column.name,
            )
        keys = found.get_pk_constraint(f"outbox_{name}")["constrained_columns"]
        assert [column.name for column in table.primary_key] == keys, name


def sql_of(kind: TypeEngine[Any], engine: Engine) -> str:
    """Return how the database calls a type, without what the type does not compare by."""
    text = str(kind.compile(dialect=engine.dialect)).partition(" COLLATE")[0].partition(" CHARACTER")[0]
    return re.sub(r"INT(EGER)?\(\d+\)", r"INT\1", text)  # MariaDB's width of a number for display


def test_times_keys_and_payloads_are_read_alike_everywhere(migrated: Database) -> None:
    made = tables(MetaData())
    with Outbox.builder(migrated.url).queue("orders", 1).leased(lambda msg: Reject("no")).open() as box:
        box.enqueue_now("orders", {"id": 7}, key="anna")
        letters = made["dead_letters"]
        drain(box)
        with Session(migrated.engine()) as session:
            now = datetime.now(timezone.utc)
            found = select(letters.c.failed_at, letters.c.message_key, letters.c.payload).where(
                letters.c.failed_at > now - timedelta(hours=1), letters.c.failed_at < now + timedelta(hours=1)
            )
            ((failed_at, key, payload),) = session.execute(found).all()
    assert (failed_at.tzinfo, key, payload) == (timezone.utc, "anna", b'{"id":7}')
    assert abs(failed_at - now) < timedelta(minutes=5)


@pytest.mark.backends("sqlite")
def test_a_time_without_a_zone_is_refused(migrated: Database) -> None:
    letters = tables(MetaData())["dead_letters"]
    with Session(migrated.engine()) as session, pytest.raises(Exception, match="give an aware time"):
        session.execute(select(letters.c.id).where(letters.c.failed_at > datetime(2020, 1, 1)))  # noqa: DTZ001


@pytest.mark.backends("sqlite")
def test_create_all_makes_none_of_them_and_leaves_those_that_exist(database: Database) -> None:
    metadata = MetaData()
    tables(metadata)
    engine = database.engine()
    with pytest.raises(OutboxError, match=r"outbox\.migrate"):
        metadata.create_all(engine)
    outbox.migrate(engine)
    metadata.create_all(engine)


def test_a_prefix_and_a_schema_are_in_their_names() -> None:
    letters = tables(MetaData(), prefix="shop", schema="app")["dead_letters"]
    assert letters.fullname == "app.shop_dead_letters"
    engine: Engine = create_engine("sqlite://")
    assert "app.shop_dead_letters" in str(select(letters.c.id).compile(engine))
