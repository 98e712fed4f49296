"""Batches shrink after failures and grow back: the balanced processor takes 10 and shrinks after 2."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from outbox import Batch, HandlerResult, OutboxMessage, OutboxProfile, Retry
from tests.acceptance.bench import Bench, Hands, all_delivered

Script = Iterator[Callable[[Batch], HandlerResult]]
BALANCED = OutboxProfile.balanced().processor


def fails(_batch: Batch) -> Retry:
    return Retry("not now")


def works(_batch: Batch) -> None:
    return None


def finishes(count: int) -> Callable[[Batch], HandlerResult]:
    """Finish so many, then ask for a retry."""

    def step(batch: Batch) -> Retry:
        batch.next_chunk(count)
        batch.ack_chunk(count)
        return Retry("not these")

    return step


def rejects_after(count: int) -> Callable[[Batch], HandlerResult]:
    """Finish so many, reject the next one, finish the rest."""

    def step(batch: Batch) -> None:
        for position, _msg in enumerate(batch):
            batch.reject("bad") if position == count else batch.ack()

    return step


def sizes_of(bench: Bench, steps: Sequence[Callable[[Batch], HandlerResult]], **options: Any) -> list[int]:
    """Return the sizes of the batches that a handler gets which answers with these steps."""
    sizes: list[int] = []
    left = iter(steps)

    def handler(batch: Batch) -> HandlerResult:
        sizes.append(len(batch))
        step = next(left)
        if len(sizes) == len(steps):
            hands.stopping.set()
        return step(batch)

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler, **options), processor_tuning=BALANCED)
    bench.send(*range(100))
    while not hands.stopping.is_set():
        hands.work()
        bench.end_backoff()
    return sizes


def test_batches_have_the_configured_size(bench: Bench) -> None:
    assert sizes_of(bench, [works] * 4) == [10, 10, 10, 10]


def test_a_single_failure_changes_nothing(bench: Bench) -> None:
    assert sizes_of(bench, [fails, works, fails, works]) == [10, 10, 10, 10]


def test_two_failures_shrink_to_one_and_every_success_doubles_until_normal(bench: Bench) -> None:
    steps = [fails, fails, works, works, works, works, works, works]
    assert sizes_of(bench, steps) == [10, 10, 1, 2, 4, 8, 10, 10]


def test_a_failure_on_the_way_back_up_counts_from_one_again(bench: Bench) -> None:
    steps = [fails, fails, works, works, works, fails, works, works]
    assert sizes_of(bench, steps) == [10, 10, 1, 2, 4, 8, 8, 10]


def test_two_failures_on_the_way_back_up_shrink_again(bench: Bench) -> None:
    steps = [fails, fails, works, works, fails, fails, works, works]
    assert sizes_of(bench, steps) == [10, 10, 1, 2, 4, 4, 1, 2]


def test_batches_shrink_to_what_was_processed_before_the_failure(bench: Bench) -> None:
    steps = [finishes(5), finishes(3), works, works, works]
    assert sizes_of(bench, steps) == [10, 10, 3, 6, 10]


def test_a_failure_that_names_nobody_shrinks_at_once_when_attempts_are_limited(bench: Bench) -> None:
    assert sizes_of(bench, [fails, works, works, works], max_attempts=9) == [10, 1, 2, 4]


def test_a_reject_of_a_batch_handler_shrinks_at_once(bench: Bench) -> None:
    assert sizes_of(bench, [rejects_after(4), works, works]) == [10, 4, 8]
    assert [letter.seq for letter in bench.dead()] == [5]


def test_with_a_single_attempt_batches_are_single_messages(bench: Bench) -> None:
    assert sizes_of(bench, [works] * 3, max_attempts=1) == [1, 1, 1]


def test_partitions_shrink_each_on_its_own(bench: Bench) -> None:
    sizes: dict[int, list[int]] = {0: [], 1: []}

    def handler(batch: Batch) -> Retry | None:
        partition = batch.messages[0].partition
        sizes[partition].append(len(batch))
        return Retry("no") if partition == 0 and len(sizes[0]) < 3 else None

    hands = bench.by_hand(lambda queue: queue.leased_batch(handler), processor_tuning=BALANCED)
    bench.send(*range(13), partition=0)
    bench.send(*range(20), partition=1)
    work_off(bench, hands)
    assert sizes == {0: [10, 10, 1, 2, 4, 6], 1: [10, 10]}


def test_transactional_batches_shrink_and_grow_the_same_way(bench: Bench) -> None:
    sizes: list[int] = []

    def handler(_conn: object, msgs: list[OutboxMessage]) -> Retry | None:
        sizes.append(len(msgs))
        return Retry("not now") if len(sizes) <= 2 else None

    hands = bench.by_hand(lambda queue: queue.transactional_batch(handler), processor_tuning=BALANCED)
    bench.send(*range(25))
    work_off(bench, hands)
    assert sizes == [10, 10, 1, 2, 4, 8, 10]


@pytest.mark.parametrize("size", [1, 3, 500])
def test_the_tuning_of_a_queue_sets_its_batch_size(bench: Bench, size: int) -> None:
    sizes: list[int] = []
    tuning = BALANCED.batch_size(size)
    hands = bench.by_hand(
        lambda queue: queue.leased_batch(lambda batch: sizes.append(len(batch)), tuning=tuning)
    )
    bench.send(*range(7))
    hands.work()
    assert max(sizes) == min(size, 7)
    assert sum(sizes) == 7


def work_off(bench: Bench, hands: Hands) -> None:
    """Work until nothing is left, without resting after failures."""
    while not all_delivered(bench.producer):
        hands.work()
        bench.end_backoff()
