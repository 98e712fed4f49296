from __future__ import annotations

from collections.abc import Iterator

import pytest

from outbox.backends.connect import open_backend
from outbox.backends.protocol import Backend
from outbox.schema import steps_of
from outbox.statements import Naming
from outbox.statements.tables import TABLES
from tests.contract.crew import Crew
from tests.support import Database

LIST_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    "mysql": "SELECT table_name FROM information_schema.tables WHERE table_schema = database()",
    "mariadb": "SELECT table_name FROM information_schema.tables WHERE table_schema = database()",
}


@pytest.fixture
def bare(database: Database) -> Iterator[Backend]:
    backend = open_backend(database.url, naming=Naming("outbox"), pool_size=6)
    yield backend
    backend.close()


def ups(backend: Backend) -> list[tuple[str, str]]:
    return [(step.name, step.up) for step in steps_of(backend)]


def downs(backend: Backend) -> list[tuple[str, str]]:
    return [(step.name, step.down) for step in reversed(steps_of(backend))]


def tables(database: Database) -> set[str]:
    return {str(name) for (name,) in database.query(LIST_TABLES[database.backend])}


def family(prefix: str) -> set[str]:
    return {f"{prefix}_{table}" for table in TABLES}


def test_migrating_creates_the_whole_family_of_tables(bare: Backend, database: Database) -> None:
    names = [name for name, _ in ups(bare)]
    assert bare.applied_migrations() is None

    assert bare.migrate(ups(bare)) == names
    assert tables(database) == family("outbox")
    assert bare.applied_migrations() == names


def test_migrating_twice_changes_nothing(bare: Backend, database: Database) -> None:
    bare.migrate(ups(bare))
    bare.register_queue("orders", 2)

    assert bare.migrate(ups(bare)) == []
    assert database.count("outbox_partitions") == 2


def test_racing_migrations_apply_everything_once(bare: Backend, database: Database) -> None:
    applied: list[list[str]] = []

    Crew().run(*[lambda: applied.append(bare.migrate(ups(bare)))] * 5)

    assert sorted(map(len, applied)) == [0, 0, 0, 0, len(ups(bare))]
    assert tables(database) == family("outbox")


def test_rolling_back_leaves_nothing_and_can_be_repeated(bare: Backend, database: Database) -> None:
    bare.migrate(ups(bare))

    assert bare.rollback(downs(bare)) == [name for name, _ in downs(bare)]
    assert tables(database) == set()
    assert bare.rollback(downs(bare)) == []
    assert bare.applied_migrations() is None
    assert bare.migrate(ups(bare)) == [name for name, _ in ups(bare)]


def test_two_families_live_side_by_side(bare: Backend, database: Database) -> None:
    prefix = "a" * 36
    other = open_backend(database.url, naming=Naming(prefix), pool_size=2)
    bare.migrate(ups(bare))
    other.migrate(ups(other))

    assert tables(database) == family("outbox") | family(prefix)
    other.register_queue("orders", 4)
    assert database.count("outbox_partitions") == 0
    other.rollback(downs(other))
    assert tables(database) == family("outbox")
    other.close()
