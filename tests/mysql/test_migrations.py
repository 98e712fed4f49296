"""DDL commits by itself here, so a migration may stop half-way."""

from __future__ import annotations

import pytest

from outbox.backends.connect import open_backend
from outbox.backends.mysql import migrations
from outbox.backends.protocol import Backend
from outbox.errors import DatabaseError
from outbox.schema import steps_of
from outbox.statements import Naming
from tests.mysql.conftest import Opener
from tests.support import Database

pytestmark = pytest.mark.backends("mysql", "mariadb")


@pytest.fixture
def bare(database: Database, opened: Opener) -> Backend:
    """A backend on a database without tables."""
    return opened(database.url)


def ups(backend: Backend) -> list[tuple[str, str]]:
    return [(step.name, step.up) for step in steps_of(backend)]


def test_a_run_that_broke_off_is_finished_by_the_next(bare: Backend, database: Database) -> None:
    (name, script), *_ = ups(bare)
    half = script[: script.index("CREATE TABLE IF NOT EXISTS outbox_processor")]
    with pytest.raises(DatabaseError):
        bare.migrate([(name, f"{half} CREATE TABLE nonsense ()")])
    assert bare.applied_migrations() == []

    assert name in bare.migrate(ups(bare))
    assert database.count("outbox_processor") == 0


def test_a_failed_run_gives_the_lock_back(bare: Backend, database: Database, opened: Opener) -> None:
    with pytest.raises(DatabaseError):
        bare.migrate([("0001_nonsense", "CREATE TABLE nonsense ()")])
    assert opened(database.url).migrate(ups(bare))


def test_another_process_at_work_is_waited_for_and_then_named(
    bare: Backend, database: Database, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_SECONDS", 1)
    migrating = opened(database.url)._locked()  # type: ignore[attr-defined]
    with migrating, pytest.raises(DatabaseError, match="another process"):
        bare.migrate(ups(bare))
    assert bare.migrate(ups(bare))


def test_another_family_of_tables_is_not_waited_for(
    bare: Backend, database: Database, opened: Opener
) -> None:
    migrating = opened(database.url)._locked()  # type: ignore[attr-defined]
    other = open_backend(database.url, naming=Naming("billing"), pool_size=1)
    with migrating:
        assert other.migrate(ups(other))
    other.close()
    assert bare.applied_migrations() is None


def test_migrating_through_an_engine_commits(database: Database, opened: Opener) -> None:
    store = opened(database.engine())
    assert store.migrate(ups(store))
    assert opened(database.url).applied_migrations() == [name for name, _ in ups(store)]


def test_names_of_the_tables_compare_byte_by_byte(migrated: Database, opened: Opener) -> None:
    store = opened(migrated.url)
    upper, lower = store.register_queue("Orders", 1), store.register_queue("orders", 2)
    assert store.register_queue("Orders", 1) == upper
    assert store.register_queue("orders", 2) == lower
    longest = "q" * 1024
    assert store.find_queue(store.register_queue(longest, 1)[0]) == (longest, 0)
