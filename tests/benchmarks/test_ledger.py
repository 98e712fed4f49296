"""The checking handler of the benchmark finds what must not be."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from benchmarks.workloads.ledger import Ledger, check
from outbox import Batch, OutboxMessage
from outbox.clock import Deadline

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def batch(*seqs: int, partition: int = 1) -> Batch:
    messages = [OutboxMessage(seq, "q", 0, partition, seq, b"", "t", None, NOON) for seq in seqs]
    return Batch(messages, Deadline.never(), lambda: False)


def test_batches_that_follow_each_other_are_one_range() -> None:
    ledger = Ledger()
    for taken in (batch(1, 2), batch(3), batch(1, partition=2)):
        ledger.receive(taken)
    assert (ledger.ranges, ledger.count) == ({1: [[1, 3]], 2: [[1, 1]]}, 4)
    check([ledger.ranges], 4)


@pytest.mark.parametrize("wrong", [(1, 3), (2, 1), (1, 1)])
def test_a_batch_out_of_order_or_with_a_gap_is_refused(wrong: tuple[int, int]) -> None:
    with pytest.raises(AssertionError, match="expected"):
        Ledger().receive(batch(*wrong))


def test_a_message_that_comes_again_is_refused() -> None:
    ledger = Ledger()
    ledger.receive(batch(1, 2))
    with pytest.raises(AssertionError, match="partition 1: 2 after 2"):
        ledger.receive(batch(2))


def test_two_processes_together_have_everything_once() -> None:
    check([{1: [[1, 3], [6, 8]]}, {1: [[4, 5]]}], 8)


@pytest.mark.parametrize(
    ("others", "said"),
    [
        pytest.param([[3, 5]], "3 follows 3", id="twice"),
        pytest.param([[5, 5]], "5 follows 3", id="a gap"),
        pytest.param([], "3 messages were delivered, 5 were sent", id="lost"),
    ],
)
def test_what_two_processes_have_twice_or_not_at_all_is_found(others: list[list[int]], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        check([{1: [[1, 3]]}, {1: others}], 5)
