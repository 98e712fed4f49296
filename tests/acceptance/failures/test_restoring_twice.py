"""A restore whose connection broke at the commit is repeated, whether it took effect or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from outbox import FailureEntry, FailureKey, SqlFailureTracker
from tests.support import Database

KEY = FailureKey(1, 7)
THEN = datetime(2026, 11, 20, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
FIRST = FailureEntry(KEY, 3, THEN, THEN + MINUTE, "no stock")
SECOND = FailureEntry(KEY, 2, THEN + 2 * MINUTE, THEN + 3 * MINUTE, "no van")


@pytest.fixture
def tracker(migrated: Database) -> Iterator[SqlFailureTracker]:
    with SqlFailureTracker(migrated.url) as tracker:
        yield tracker


def test_the_same_entries_twice_count_once(tracker: SqlFailureTracker) -> None:
    tracker.restore([FIRST])
    tracker.restore([FIRST])
    assert tracker.drain_exceeded(1) == [FIRST]


def test_a_failure_in_between_is_counted_and_the_entry_still_once(tracker: SqlFailureTracker) -> None:
    tracker.restore([FIRST])
    assert tracker.record_failure(KEY, "no driver") == 4
    tracker.restore([FIRST])
    assert tracker.record_failure(KEY, "no driver") == 5


@pytest.mark.parametrize("order", [[FIRST, SECOND], [SECOND, FIRST], [FIRST, SECOND, FIRST, SECOND]])
def test_what_two_drains_took_adds_up_in_any_order(
    tracker: SqlFailureTracker, order: list[FailureEntry]
) -> None:
    for entry in order:
        tracker.restore([entry])
    assert tracker.drain_exceeded(1) == [
        replace(SECOND, failure_count=5, first_failed_at=FIRST.first_failed_at)
    ]
