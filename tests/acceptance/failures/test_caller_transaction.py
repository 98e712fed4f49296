"""The SQL tracker in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from outbox import FailureKey, SqlFailureTracker, TransactionRequired
from tests.support import Database

KEY = FailureKey(1, 1)
OTHER = FailureKey(1, 2)


@pytest.fixture
def tracker(migrated: Database) -> Iterator[SqlFailureTracker]:
    with SqlFailureTracker(migrated.url) as tracker:
        yield tracker


def test_a_rollback_undoes_a_failure(tracker: SqlFailureTracker, migrated: Database) -> None:
    assert tracker.record_failure(KEY, "kept") == 1
    conn = migrated.connect()
    assert tracker.record_failure(KEY, "undone", conn=conn) == 2
    assert tracker.record_failure(OTHER, "undone", conn=conn) == 1
    conn.rollback()
    assert [(e.key, e.failure_count, e.last_error) for e in tracker.drain_exceeded(1)] == [(KEY, 1, "kept")]


def test_a_rollback_undoes_a_success(tracker: SqlFailureTracker, migrated: Database) -> None:
    tracker.record_failure(KEY, "no")
    conn = migrated.connect()
    tracker.record_success(KEY, conn=conn)
    conn.rollback()
    assert tracker.record_failure(KEY, "no") == 2


def test_a_rollback_undoes_a_drain_and_a_restore(tracker: SqlFailureTracker, migrated: Database) -> None:
    tracker.record_failure(KEY, "no")
    conn = migrated.connect()
    drained = tracker.drain_exceeded(1, conn=conn)
    assert [entry.key for entry in drained] == [KEY]
    conn.rollback()
    tracker.restore(drained, conn=conn)
    conn.rollback()
    assert tracker.drain_exceeded(1) == drained


def test_a_commit_keeps_all_of_it(tracker: SqlFailureTracker, migrated: Database) -> None:
    conn = migrated.connect()
    for key in (KEY, KEY, OTHER):
        tracker.record_failure(key, "no", conn=conn)
    tracker.record_success(OTHER, conn=conn)
    conn.commit()
    assert [(entry.key, entry.failure_count) for entry in tracker.drain_exceeded(1)] == [(KEY, 2)]


@pytest.mark.backends("postgresql", "mysql", "mariadb")
def test_a_drain_passes_over_what_an_open_transaction_has_touched(
    tracker: SqlFailureTracker, migrated: Database
) -> None:
    tracker.record_failure(KEY, "no")
    tracker.record_failure(OTHER, "no")
    conn = migrated.connect()
    tracker.record_failure(KEY, "no", conn=conn)
    assert [entry.key for entry in tracker.drain_exceeded(1)] == [OTHER]
    conn.commit()
    assert [(entry.key, entry.failure_count) for entry in tracker.drain_exceeded(1)] == [(KEY, 2)]


def test_a_change_on_a_connection_that_commits_by_itself_is_refused(
    tracker: SqlFailureTracker, migrated: Database
) -> None:
    conn = migrated.connect(autocommit=True)
    with pytest.raises(TransactionRequired):
        tracker.record_failure(KEY, "no", conn=conn)
    with pytest.raises(TransactionRequired):
        tracker.record_success(KEY, conn=conn)


def test_failures_of_a_family_with_another_prefix_are_counted_there(database: Database) -> None:
    import outbox

    outbox.migrate(database.url, prefix="shop")
    with SqlFailureTracker(database.url, prefix="shop") as tracker:
        tracker.record_failure(KEY, "no")
    assert database.value("SELECT failure_count FROM shop_failures") == 1
