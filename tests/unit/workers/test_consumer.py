from __future__ import annotations

import pytest

from outbox.values.worker_tuning import WorkerTuning
from outbox.workers.consumer import Consumer
from outbox.workers.partition_state import PartitionStates
from outbox.workers.processor import grouping
from tests.unit.workers.support import make_consumer


@pytest.mark.parametrize(("limit", "size"), [(None, 10), (1, 1), (2, 10)])
def test_with_a_single_attempt_batches_are_single_messages(limit: int | None, size: int) -> None:
    assert make_consumer(max_attempts=limit).batch_size == size


@pytest.mark.parametrize("per_message", [True, False])
def test_a_head_with_failed_starts_comes_alone_when_attempts_are_limited(per_message: bool) -> None:
    assert make_consumer(max_attempts=5, per_message=per_message).one_if_failed
    assert not make_consumer(per_message=per_message).one_if_failed


def test_attempts_are_exhausted_at_the_limit() -> None:
    consumer = make_consumer(max_attempts=3)
    assert [consumer.attempts_exhausted(starts) for starts in range(5)] == [False, False, False, True, True]
    assert not make_consumer().attempts_exhausted(10_000)


def test_partition_ids_have_indexes() -> None:
    assert Consumer("orders", (40, 7, 9), WorkerTuning.processor()).indexes == {40: 0, 7: 1, 9: 2}


def deliver(_batch: object) -> None:
    """Stand for a handler that is never called."""


def test_sound_partitions_of_a_leased_queue_share_a_turn_and_others_do_not() -> None:
    states = PartitionStates()
    leased = Consumer("leased", (1, 2, 3), WorkerTuning.processor(), leased=deliver)  # type: ignore[arg-type]
    once = Consumer("once", (4, 5), WorkerTuning.processor(), leased=deliver, max_attempts=1)  # type: ignore[arg-type]
    transactional = Consumer("transactional", (6, 7), WorkerTuning.processor())
    consumers = {
        pid: consumer for consumer in (leased, once, transactional) for pid in consumer.partition_ids
    }
    states[3].isolate = True
    group_of = grouping(consumers, states)
    assert [group_of(pid) for pid in range(1, 8)] == ["leased", "leased", 3, 4, 5, 6, 7]
