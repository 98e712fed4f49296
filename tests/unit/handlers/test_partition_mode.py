from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.workers.partition_state import Degraded, Normal, PartitionMode


def test_a_new_partition_takes_whole_batches() -> None:
    assert PartitionMode().effective_batch_size(10) == 10


def test_success_in_normal_mode_changes_nothing() -> None:
    mode = PartitionMode()
    assert mode.succeeded(10) is mode


def test_failures_below_the_threshold_are_counted_and_forgotten_at_a_success() -> None:
    mode = PartitionMode().retried(3, 2)
    assert mode == PartitionMode(Normal(), 1)
    assert mode.effective_batch_size(10) == 10
    assert mode.succeeded(10) == PartitionMode()


@pytest.mark.parametrize(("processed", "size"), [(3, 3), (1, 1), (0, 1), (None, 1)])
def test_at_the_threshold_the_size_falls_to_what_was_processed(processed: int | None, size: int) -> None:
    mode = PartitionMode().retried(processed, 2).retried(processed, 2)
    assert mode == PartitionMode(Degraded(size), 2)
    assert mode.effective_batch_size(10) == size


def test_a_threshold_of_one_degrades_at_once() -> None:
    assert PartitionMode().retried(None, 1) == PartitionMode(Degraded(1), 1)


def test_the_size_doubles_with_each_success_until_it_is_normal_again() -> None:
    mode = PartitionMode(Degraded(1))
    seen = []
    for _ in range(5):
        seen.append((mode.state, mode.effective_batch_size(10)))
        mode = mode.succeeded(10)
    degraded = [(Degraded(1), 1), (Degraded(2), 2), (Degraded(4), 4), (Degraded(8), 8)]
    assert seen == [*degraded, (Normal(), 10)]


def test_a_failure_while_degraded_starts_again_from_what_was_processed() -> None:
    mode = PartitionMode(Degraded(1)).succeeded(100).succeeded(100).succeeded(100)
    assert mode.state == Degraded(8)
    assert mode.retried(5, 2) == PartitionMode(Degraded(8), 1)
    assert mode.retried(5, 2).retried(5, 2) == PartitionMode(Degraded(5), 2)


@pytest.mark.parametrize(("processed", "size"), [(4, 4), (0, 1), (None, 1)])
def test_a_reject_degrades_at_once_and_ends_the_row_of_failures(processed: int | None, size: int) -> None:
    mode = PartitionMode().retried(None, 5).rejected(processed)
    assert mode == PartitionMode(Degraded(size), 0)


def test_a_configured_size_below_the_degraded_one_wins() -> None:
    assert PartitionMode(Degraded(8)).effective_batch_size(3) == 3
    assert PartitionMode(Degraded(8)).succeeded(3) == PartitionMode()


events = st.lists(st.tuples(st.sampled_from(["success", "retry", "reject"]), st.none() | st.integers(0, 50)))


@given(st.integers(1, 50), st.integers(1, 4), events)
def test_the_size_stays_within_bounds_and_successes_always_lead_back(
    configured: int, threshold: int, history: list[tuple[str, int | None]]
) -> None:
    mode = PartitionMode()
    for event, processed in history:
        if event == "success":
            mode = mode.succeeded(configured)
        elif event == "retry":
            mode = mode.retried(processed, threshold)
        else:
            mode = mode.rejected(processed)
        assert 1 <= mode.effective_batch_size(configured) <= configured
    for _ in range(7):
        mode = mode.succeeded(configured)
    assert mode == PartitionMode()
