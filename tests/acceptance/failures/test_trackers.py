"""The library's own trackers keep the contract that it publishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from outbox import InMemoryFailureTracker, Outbox, SqlFailureTracker
from outbox.testing import FailureTrackerContract
from tests.support import Database


class TestInMemoryFailureTracker(FailureTrackerContract):
    def make_tracker(self) -> InMemoryFailureTracker:
        return InMemoryFailureTracker()


class TestSqlFailureTracker(FailureTrackerContract):
    @pytest.fixture(autouse=True)
    def _tracker(self, migrated: Database) -> Iterator[None]:
        with SqlFailureTracker(migrated.url) as self._made:
            yield

    def make_tracker(self) -> SqlFailureTracker:
        return self._made


class Given(FailureTrackerContract):
    """Checks one tracker that exists already."""

    __test__ = False

    def __init__(self, tracker: SqlFailureTracker) -> None:
        self._tracker = tracker

    def make_tracker(self) -> SqlFailureTracker:
        return self._tracker


@pytest.fixture(params=["outbox", "engine"])
def given(request: pytest.FixtureRequest, migrated: Database) -> Iterator[Given]:
    if request.param == "engine":
        yield Given(SqlFailureTracker(migrated.engine()))
    else:
        with Outbox.builder(migrated.url).open() as outbox:
            yield Given(SqlFailureTracker(outbox))


# The ways to open one differ in their connections alone: one check for each kind of statement, and those with threads.
@pytest.mark.parametrize(
    "check",
    [
        FailureTrackerContract.test_each_failure_returns_the_count_so_far,
        FailureTrackerContract.test_a_success_clears_the_count_and_may_be_repeated,
        FailureTrackerContract.test_a_drain_removes_what_it_returns_and_leaves_the_rest,
        FailureTrackerContract.test_a_restored_count_is_added_to_that_of_a_newer_entry,
        FailureTrackerContract.test_nothing_is_lost_when_failures_meet_drains,
    ],
)
def test_a_tracker_on_an_outbox_or_an_engine_keeps_the_contract(
    given: Given, check: Callable[[FailureTrackerContract], None]
) -> None:
    check(given)
