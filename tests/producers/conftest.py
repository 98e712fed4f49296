"""A database with the outbox's tables and one of the application's."""

from __future__ import annotations

import pytest

from outbox.statements import Naming
from outbox.statements.files import read_sql
from tests.producers.support import SQLALCHEMY_DRIVERS, family
from tests.support import Database


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the pairs of a backend and another backend's driver."""
    items[:] = [item for item in items if fits(getattr(getattr(item, "callspec", None), "params", {}))]


def fits(parameters: dict[str, object]) -> bool:
    if not parameters.keys() >= {"backend", "driver"}:
        return True
    return parameters["driver"] in SQLALCHEMY_DRIVERS[str(parameters["backend"])]


@pytest.fixture
def tables(database: Database) -> Database:
    sql = Naming().render(read_sql(family(database), "migrations/0001_create_tables.up"))
    for statement in sql.split(";\n"):
        if statement.strip():
            database.execute(statement)
    database.execute("CREATE TABLE orders (id integer)")
    return database
