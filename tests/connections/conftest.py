"""A database with the outbox's tables and one of the application's."""

from __future__ import annotations

import pytest

from tests.connections.support import SQLALCHEMY_DRIVERS
from tests.servers.selection import selected_backends
from tests.support import Database

# Its driver needs a compiler and the headers of a client library, which a run without servers does not.
collect_ignore = [] if {"mysql", "mariadb"} & set(selected_backends()) else ["test_mysqlclient.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the pairs of a backend and another backend's driver."""
    items[:] = [item for item in items if fits(getattr(getattr(item, "callspec", None), "params", {}))]


def fits(parameters: dict[str, object]) -> bool:
    if not parameters.keys() >= {"backend", "driver"}:
        return True
    # A test for backends that are all switched off has neither, and pytest skips it.
    drivers = SQLALCHEMY_DRIVERS.get(str(parameters["backend"]))
    return drivers is None or parameters["driver"] in drivers


@pytest.fixture
def tables(migrated: Database) -> Database:
    migrated.execute("CREATE TABLE orders (id integer)")
    return migrated
