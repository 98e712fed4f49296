"""What every failure tracker must do, as tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from outbox.errors import ConfigurationError
from outbox.failures import FailureEntry, FailureKey, FailureTracker

T = TypeVar("T")

KEY = FailureKey(1, 1)
OTHER = FailureKey(1, 2)
MANY = 60
LONGEST_ERROR = 2000


class FailureTrackerContract:
    """Tests a tracker of your own when you inherit from it.

    ::

        class TestRedisFailureTracker(FailureTrackerContract):
            def make_tracker(self):
                return RedisFailureTracker(...)

    Each test makes one tracker, which must be empty.
    """

    def make_tracker(self) -> FailureTracker:
        """Return a new, empty tracker."""
        raise NotImplementedError("return a new, empty tracker of your own")

    def test_each_failure_returns_the_count_so_far(self) -> None:
        tracker = self.make_tracker()
        assert [tracker.record_failure(KEY, "no") for _ in range(4)] == [1, 2, 3, 4]

    def test_messages_are_counted_apart(self) -> None:
        tracker = self.make_tracker()
        keys = [KEY, OTHER, FailureKey(2, 1), KEY]
        assert [tracker.record_failure(key, "no") for key in keys] == [1, 1, 1, 2]

    def test_numbers_may_be_as_large_as_the_databases_have_them(self) -> None:
        tracker = self.make_tracker()
        key = FailureKey(2**62, 2**63 - 1)
        tracker.record_failure(key, "no")
        assert counts(tracker.drain_exceeded(1)) == [(key, 1)]

    def test_a_success_clears_the_count_and_may_be_repeated(self) -> None:
        tracker = self.make_tracker()
        tracker.record_success(KEY)
        tracker.record_failure(KEY, "no")
        tracker.record_failure(OTHER, "no")
        tracker.record_success(KEY)
        tracker.record_success(KEY)
        assert counts(tracker.drain_exceeded(1)) == [(OTHER, 1)]

    def test_what_was_cleared_and_fails_again_is_counted_from_one(self) -> None:
        tracker = self.make_tracker()
        for _ in range(5):
            tracker.record_failure(KEY, "no")
        tracker.record_success(KEY)
        assert tracker.record_failure(KEY, "no") == 1
        assert tracker.drain_exceeded(5) == []

    def test_the_threshold_is_inclusive_and_the_highest_count_comes_first(self) -> None:
        tracker = self.make_tracker()
        for seq in range(1, 6):
            for _ in range(seq):
                tracker.record_failure(FailureKey(1, seq), "no")
        drained = counts(tracker.drain_exceeded(3))
        assert drained == [(FailureKey(1, 5), 5), (FailureKey(1, 4), 4), (FailureKey(1, 3), 3)]

    def test_a_threshold_below_one_is_refused(self) -> None:
        tracker = self.make_tracker()
        tracker.record_failure(KEY, "no")
        for threshold in (0, -1):
            assert refuses(tracker, threshold), f"a threshold of {threshold} was accepted"
        assert counts(tracker.drain_exceeded(1)) == [(KEY, 1)]

    def test_a_drain_removes_what_it_returns_and_leaves_the_rest(self) -> None:
        tracker = self.make_tracker()
        for key in (KEY, KEY, OTHER):
            tracker.record_failure(key, "no")
        assert counts(tracker.drain_exceeded(2)) == [(KEY, 2)]
        assert tracker.drain_exceeded(2) == []
        assert tracker.record_failure(KEY, "no") == 1
        assert tracker.record_failure(OTHER, "no") == 2

    def test_an_entry_tells_the_last_error_and_from_when_to_when(self) -> None:
        tracker = self.make_tracker()
        tracker.record_failure(KEY, ValueError("first"))
        tracker.record_failure(KEY, ValueError("\N{SNOWMAN} \N{ROCKET} 'last' \\n %s"))
        [entry] = tracker.drain_exceeded(2)
        assert entry.last_error == "ValueError: \N{SNOWMAN} \N{ROCKET} 'last' \\n %s"
        assert entry.first_failed_at.utcoffset() == entry.last_failed_at.utcoffset() == timedelta(0)
        assert 0 <= entry.failing_for < 3600

    def test_an_error_is_cut_and_cleaned(self) -> None:
        tracker = self.make_tracker()
        tracker.record_failure(KEY, "a\0b" + "x" * 10_000)
        [entry] = tracker.drain_exceeded(1)
        assert entry.last_error == ("ab" + "x" * 10_000)[:LONGEST_ERROR]

    def test_a_restored_entry_is_as_it_was(self) -> None:
        tracker = self.make_tracker()
        tracker.record_failure(KEY, "no")
        tracker.record_failure(KEY, "still no")
        drained = tracker.drain_exceeded(1)
        tracker.restore(drained)
        assert tracker.drain_exceeded(1) == drained

    def test_a_restored_count_is_added_to_that_of_a_newer_entry(self) -> None:
        tracker = self.make_tracker()
        older = past(KEY, 3)
        tracker.record_failure(KEY, "new")
        tracker.restore([older])
        assert tracker.record_failure(KEY, "newest") == 5
        [entry] = tracker.drain_exceeded(1)
        assert (entry.failure_count, entry.last_error) == (5, "newest")
        assert entry.first_failed_at == older.first_failed_at
        assert entry.last_failed_at > older.last_failed_at

    def test_the_later_error_survives_a_restore(self) -> None:
        tracker = self.make_tracker()
        tracker.record_failure(KEY, "new")
        tracker.restore([past(KEY, 3)])
        assert [entry.last_error for entry in tracker.drain_exceeded(1)] == ["new"]

    def test_several_entries_of_one_message_are_restored_as_their_sum(self) -> None:
        tracker = self.make_tracker()
        tracker.restore([past(KEY, 3), past(OTHER, 1), past(KEY, 4)])
        assert counts(tracker.drain_exceeded(1)) == [(KEY, 7), (OTHER, 1)]

    def test_restoring_nothing_does_nothing(self) -> None:
        tracker = self.make_tracker()
        tracker.restore([])
        assert tracker.drain_exceeded(1) == []

    def test_drains_at_once_share_the_entries_and_return_each_to_one_caller(self) -> None:
        tracker = self.make_tracker()
        wanted = [FailureKey(1 + seq % 4, seq) for seq in range(1, MANY + 1)]
        tracker.restore(past(key, 2) for key in wanted)
        drained = at_once(4, lambda: tracker.drain_exceeded(2))
        # One that met a drain in progress may pass over what is locked: no other process has that either.
        found = [*drained, *tracker.drain_exceeded(2)]
        assert sorted(entry.key for entry in found) == sorted(wanted)

    def test_failures_at_once_are_all_counted(self) -> None:
        tracker = self.make_tracker()
        returned = at_once(4, lambda: [tracker.record_failure(KEY, "no") for _ in range(5)])
        assert sorted(returned) == list(range(1, 21))

    def test_nothing_is_lost_when_failures_meet_drains(self) -> None:
        tracker = self.make_tracker()
        start = threading.Barrier(2)

        def fail() -> list[FailureEntry]:
            start.wait()
            for _ in range(20):
                tracker.record_failure(KEY, "no")
            return []

        def drain() -> list[FailureEntry]:
            start.wait()
            return [entry for _ in range(10) for entry in tracker.drain_exceeded(1)]

        with ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(fail), pool.submit(drain)]
            drained = [entry for future in futures for entry in future.result()]
        assert sum(entry.failure_count for entry in [*drained, *tracker.drain_exceeded(1)]) == 20


def counts(entries: Iterable[FailureEntry]) -> list[tuple[FailureKey, int]]:
    """Return keys and counts in the order given."""
    return [(entry.key, entry.failure_count) for entry in entries]


def past(key: FailureKey, failures: int) -> FailureEntry:
    """Return an entry that was drained some time ago."""
    first = datetime(2020, 2, 29, 23, 59, 59, 123456, tzinfo=timezone.utc)
    return FailureEntry(key, failures, first, first + timedelta(seconds=90), "long ago")


def refuses(tracker: FailureTracker, threshold: int) -> bool:
    """Tell whether a drain with this threshold raises `ConfigurationError`."""
    try:
        tracker.drain_exceeded(threshold)
    except ConfigurationError:
        return True
    return False


def at_once(threads: int, work: Callable[[], list[T]]) -> list[T]:
    """Run ``work`` on several threads that start together; return all results."""
    start = threading.Barrier(threads)

    def run() -> list[T]:
        start.wait()
        return work()

    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(run) for _ in range(threads)]
        return [result for future in futures for result in future.result()]
