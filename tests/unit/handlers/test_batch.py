from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.clock import Deadline
from outbox.errors import BatchError
from outbox.handlers.batch import Batch
from outbox.values.message import OutboxMessage
from tests.unit.handlers.support import HandClock, make_batch


def seqs(messages: list[OutboxMessage]) -> list[int]:
    return [message.seq for message in messages]


def test_iterating_takes_the_messages_in_order_and_goes_on_where_it_stopped() -> None:
    batch = make_batch(4)
    for message in batch:
        if message.seq == 2:
            break
    assert seqs(list(batch)) == [3, 4]
    assert batch.next_msg() is None


def test_chunks_of_three_from_seven_messages() -> None:
    batch = make_batch(7)
    assert len(batch) == 7
    chunks = [seqs(batch.next_chunk(3)) for _ in range(4)]
    assert chunks == [[1, 2, 3], [4, 5, 6], [7], []]


@pytest.mark.parametrize("size", [0, -1])
def test_a_chunk_has_at_least_one_message(size: int) -> None:
    with pytest.raises(BatchError, match="at least 1"):
        make_batch(2).next_chunk(size)


def test_acks_finish_the_messages_in_the_order_they_were_taken() -> None:
    batch = make_batch(5)
    assert not batch.marked
    batch.next_chunk(4)
    batch.ack()
    assert (batch.processed, batch.marked) == (1, True)
    batch.ack_chunk(3)
    assert batch.processed == 4


@pytest.mark.parametrize(
    ("taken", "acked", "count"), [(0, 0, 1), (2, 0, 3), (2, 2, 1), (3, 1, 3), (2, 1, -1)]
)
def test_acknowledging_more_than_was_taken_raises_and_marks_nothing(
    taken: int, acked: int, count: int
) -> None:
    batch = make_batch(9)
    for _ in range(taken):
        batch.next_msg()
    for _ in range(acked):
        batch.ack()
    what, left = ("1 message" if number == 1 else f"{number} messages" for number in (count, taken - acked))
    with pytest.raises(BatchError, match=f"cannot acknowledge {what}: {left} taken and not yet marked"):
        batch.ack_chunk(count)
    assert (batch.processed, batch.marked) == (acked, acked > 0)


def test_acknowledging_none_is_a_mark_too() -> None:
    batch = make_batch(2)
    batch.ack_chunk(0)
    assert (batch.processed, batch.marked) == (0, True)


def test_a_reject_finishes_the_message_taken_last() -> None:
    batch = make_batch(3)
    batch.next_msg()
    batch.ack()
    batch.next_msg()
    batch.reject("broken\0 order")
    assert (batch.processed, batch.rejected) == (2, [(1, "broken order")])
    batch.next_msg()
    batch.ack()
    assert batch.processed == 3


@pytest.mark.parametrize(("taken", "acked"), [(0, 0), (1, 1), (2, 0), (3, 1)])
def test_a_reject_that_is_about_no_single_message_raises_and_marks_nothing(taken: int, acked: int) -> None:
    batch = make_batch(5)
    for _ in range(taken):
        batch.next_msg()
    batch.ack_chunk(acked)
    with pytest.raises(BatchError, match="cannot reject"):
        batch.reject("x")
    assert (batch.processed, batch.rejected) == (acked, [])


def test_a_batch_is_cancelled_from_the_cancel_point_on() -> None:
    clock = HandClock()
    batch = make_batch(2, deadline=Deadline.after(3.0, clock=clock))
    assert (batch.remaining(), batch.cancelled) == (3.0, False)
    clock.now += 3.0
    assert (batch.remaining(), batch.cancelled) == (0.0, True)


def test_a_batch_is_cancelled_by_a_stop_and_can_still_be_acknowledged() -> None:
    stopping = threading.Event()
    batch = make_batch(2, stop=stopping.is_set)
    batch.next_msg()
    before = batch.cancelled
    stopping.set()
    assert (before, batch.cancelled) == (False, True)
    batch.ack()
    assert batch.processed == 1


@given(st.integers(0, 8), st.lists(st.sampled_from(["take", "chunk", "ack", "ack2", "reject"]), max_size=30))
def test_whatever_is_called_the_finished_prefix_never_outruns_what_was_taken(
    size: int, calls: list[str]
) -> None:
    batch = make_batch(size)
    for call in calls:
        before = (batch.taken, batch.processed, list(batch.rejected))
        try:
            perform(batch, call)
        except BatchError:
            assert (batch.taken, batch.processed, batch.rejected) == before
        assert before[1] <= batch.processed <= batch.taken <= size
        assert all(position < batch.processed for position, _ in batch.rejected)


def perform(batch: Batch, call: str) -> None:
    if call == "take":
        batch.next_msg()
    elif call == "chunk":
        batch.next_chunk(2)
    elif call == "reject":
        batch.reject("x")
    else:
        batch.ack_chunk(2 if call == "ack2" else 1)
