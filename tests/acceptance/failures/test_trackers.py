"""The library's own trackers keep the contract that it publishes."""

from __future__ import annotations

from collections.abc import Iterator

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


class TestSqlFailureTrackerOfAnOutbox(FailureTrackerContract):
    @pytest.fixture(autouse=True)
    def _tracker(self, migrated: Database) -> Iterator[None]:
        with Outbox.builder(migrated.url).open() as outbox:
            self._made = SqlFailureTracker(outbox)
            yield

    def make_tracker(self) -> SqlFailureTracker:
        return self._made


class TestSqlFailureTrackerOnAnEngine(FailureTrackerContract):
    @pytest.fixture(autouse=True)
    def _tracker(self, migrated: Database) -> None:
        self._made = SqlFailureTracker(migrated.engine())

    def make_tracker(self) -> SqlFailureTracker:
        return self._made
