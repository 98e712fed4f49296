from __future__ import annotations

from typing import Any

import pytest

from outbox.backends.records import DeadLetterRecord, Delivery, Settlement
from outbox.handlers.outcome import Outcome
from outbox.values.fingerprints import fingerprint
from outbox.workers.consumer import Consumer
from outbox.workers.partition_state import Degraded, PartitionMode, PartitionState
from outbox.workers.settling import Decision, decide, outcome_if_exhausted
from tests.unit.workers.support import PARTITION_ID, failure, make_consumer, make_delivery


def dead_letter(seq: int, reason: str, attempts: int) -> DeadLetterRecord:
    """Return the record of a failure without an exception."""
    return DeadLetterRecord(seq, reason, attempts, fingerprint(reason))


def decided(
    delivery: Delivery,
    outcome: Outcome,
    consumer: Consumer | None = None,
    state: PartitionState | None = None,
) -> Decision:
    """Judge without jitter."""
    return decide(
        delivery, outcome, consumer or make_consumer(), state or PartitionState(), random=lambda: 1.0
    )


def settlement(cursor: int, **facts: Any) -> Settlement:
    return Settlement(PARTITION_ID, cursor, **facts)


def test_success_moves_the_cursor_behind_the_batch_and_reading_on_is_welcome() -> None:
    decision = decided(make_delivery(5, cursor=10, attempts=2, last_error="before"), Outcome(5))
    assert decision == Decision(settlement(15), 5, failed=False, finished=True)


def test_a_part_that_is_finished_moves_the_cursor_that_far() -> None:
    decision = decided(make_delivery(5, cursor=10, attempts=2, last_error="before"), Outcome(3))
    assert decision == Decision(settlement(13), 3, failed=False, finished=False)


def test_a_start_whose_message_was_not_begun_is_given_back() -> None:
    state = PartitionState()
    decision = decided(make_delivery(5, attempts=2, last_error="before"), Outcome(0), state=state)
    assert decision == Decision(
        settlement(0, attempts=2, last_error="before"), 0, failed=False, finished=False
    )
    assert state.isolate


def test_a_failure_of_the_head_counts_one_more_and_rests() -> None:
    decision = decided(make_delivery(5, attempts=2), Outcome(0, failure=failure("again")))
    assert decision.settlement == settlement(0, attempts=3, last_error="again", delay=4.0)
    assert (decision.processed, decision.failed, decision.finished) == (0, True, False)


def test_a_failure_after_progress_is_the_first_one_of_the_new_head() -> None:
    state = PartitionState(streak=6)
    decision = decided(
        make_delivery(5, cursor=10, attempts=7), Outcome(2, failure=failure("third")), state=state
    )
    assert decision.settlement == settlement(12, attempts=1, last_error="third", delay=1.0)
    assert state == PartitionState(mode=state.mode, streak=1, isolate=True)


@pytest.mark.parametrize("attempts", [0, 3])
def test_a_failure_that_does_not_count_leaves_the_attempts_and_still_rests_longer(attempts: int) -> None:
    state = PartitionState()
    delays = []
    for _ in range(4):
        decision = decided(
            make_delivery(1, attempts=attempts), Outcome(0, failure=failure(counts=False)), state=state
        )
        assert decision.settlement.attempts == attempts
        delays.append(decision.settlement.delay)
    assert delays == ([1.0, 2.0, 4.0, 8.0] if attempts == 0 else [4.0, 4.0, 4.0, 8.0])
    assert state.isolate is (attempts > 0)


def test_a_delay_that_was_asked_for_replaces_the_backoff() -> None:
    decision = decided(make_delivery(1, attempts=9), Outcome(0, failure=failure(delay=0.25)))
    assert decision.settlement.delay == 0.25


def test_the_backoff_is_jittered_and_capped() -> None:
    outcome = Outcome(0, failure=failure())
    decision = decide(
        make_delivery(1, attempts=50), outcome, make_consumer(), PartitionState(), random=lambda: 0.0
    )
    assert decision.settlement.delay == 48.0


def test_rejected_messages_are_dead_letters_with_their_failed_deliveries() -> None:
    outcome = Outcome(4, rejected=((0, "first"), (2, "third")))
    decision = decided(make_delivery(4, cursor=10, attempts=2), outcome)
    dead = (dead_letter(11, "first", 3), dead_letter(13, "third", 1))
    assert decision == Decision(settlement(14, dead=dead), 4, failed=False, finished=True)


def test_the_last_attempt_of_the_head_is_its_dead_letter_and_no_failure_of_the_partition() -> None:
    consumer = make_consumer(max_attempts=3)
    state = PartitionState(streak=2)
    decision = decided(
        make_delivery(5, cursor=10, attempts=2), Outcome(0, failure=failure("hopeless")), consumer, state
    )
    dead = (dead_letter(11, "hopeless", 3),)
    assert decision == Decision(settlement(11, dead=dead), 1, failed=False, finished=False)
    assert (state.streak, state.isolate) == (0, False)


def test_the_last_attempt_of_a_lone_message_finishes_the_batch() -> None:
    decision = decided(
        make_delivery(1), Outcome(0, failure=failure(), attributed=False), make_consumer(max_attempts=1)
    )
    assert decision.finished
    assert [letter.seq for letter in decision.settlement.dead] == [1]


@pytest.mark.parametrize("attempts", [0, 1])
def test_before_the_last_attempt_nobody_is_given_up(attempts: int) -> None:
    decision = decided(
        make_delivery(5, attempts=attempts), Outcome(0, failure=failure()), make_consumer(max_attempts=3)
    )
    assert decision.settlement.dead == ()
    assert decision.settlement.attempts == attempts + 1


def test_an_unattributed_failure_dead_letters_none_of_several() -> None:
    consumer = make_consumer(max_attempts=2, per_message=False)
    state = PartitionState()
    decision = decided(
        make_delivery(5, attempts=1), Outcome(0, failure=failure(), attributed=False), consumer, state
    )
    assert decision.settlement.dead == ()
    assert decision.settlement.attempts == 2
    assert state.mode.effective_batch_size(10) == 1


def test_an_unattributed_failure_dead_letters_the_only_one_left() -> None:
    consumer = make_consumer(max_attempts=1, per_message=False)
    decision = decided(make_delivery(3), Outcome(2, failure=failure(), attributed=False), consumer)
    assert decision.settlement == settlement(3, dead=(dead_letter(3, "no", 1),))
    assert decision.finished


def test_a_failure_that_does_not_count_dead_letters_none() -> None:
    decision = decided(
        make_delivery(1, attempts=5), Outcome(0, failure=failure(counts=False)), make_consumer(max_attempts=6)
    )
    assert (decision.settlement.dead, decision.settlement.attempts) == ((), 5)


def test_rejects_and_a_last_attempt_go_together_in_order() -> None:
    outcome = Outcome(2, rejected=((1, "bad"),), failure=failure("worse"))
    decision = decided(make_delivery(4, cursor=10, attempts=4), outcome, make_consumer(max_attempts=1))
    dead = (dead_letter(12, "bad", 1), dead_letter(13, "worse", 1))
    assert decision.settlement == settlement(13, dead=dead)


@pytest.mark.parametrize(("attempts", "limit"), [(0, 3), (2, 3), (40, None)])
def test_a_head_with_attempts_left_is_delivered(attempts: int, limit: int | None) -> None:
    assert (
        outcome_if_exhausted(make_delivery(3, attempts=attempts), make_consumer(max_attempts=limit)) is None
    )


@pytest.mark.parametrize("attempts", [3, 7])
def test_a_head_without_attempts_left_is_dead_lettered_without_a_call(attempts: int) -> None:
    delivery = make_delivery(3, attempts=attempts, crashed=True)
    consumer = make_consumer(max_attempts=3)
    outcome = outcome_if_exhausted(delivery, consumer)
    reason = f"given up after {attempts} starts without a result: process died or lease ran out"
    assert outcome == Outcome(1, ((0, reason),))
    decision = decided(delivery, outcome, consumer)
    assert decision.settlement == settlement(1, dead=(dead_letter(1, reason, attempts),))


def test_an_exhausted_heads_last_error_is_kept_within_2000_characters() -> None:
    outcome = outcome_if_exhausted(
        make_delivery(1, attempts=1, last_error="x" * 2000), make_consumer(max_attempts=1)
    )
    assert outcome is not None
    ((position, reason),) = outcome.rejected
    assert position == 0
    assert reason.startswith("given up after 1 failed delivery; last error: xxx")
    assert len(reason) == 2000


def test_failures_shrink_the_batches_and_successes_let_them_grow() -> None:
    state = PartitionState()
    sizes = []
    for outcome in [Outcome(0, failure=failure(), attributed=False)] * 2 + [Outcome(1)] * 4:
        decided(make_delivery(1), outcome, state=state)
        sizes.append(state.mode.effective_batch_size(10))
    assert sizes == [10, 1, 2, 4, 8, 10]


def test_a_reject_shrinks_the_batches_of_a_batch_handler_only() -> None:
    for per_message, mode in ((True, PartitionMode()), (False, PartitionMode(Degraded(3)))):
        state = PartitionState()
        consumer = make_consumer(per_message=per_message)
        decided(make_delivery(5), Outcome(5, rejected=((3, "bad"),)), consumer, state)
        assert state.mode == mode


def test_a_cancelled_batch_changes_no_mode() -> None:
    state = PartitionState(mode=PartitionMode(Degraded(2)), streak=3)
    decided(make_delivery(5, attempts=1), Outcome(0), state=state)
    assert (state.mode, state.streak) == (PartitionMode(Degraded(2)), 3)
