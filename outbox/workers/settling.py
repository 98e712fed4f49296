"""From what became of a batch to what is written about it. Pure: no clock, no database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from outbox.backends.records import DeadLetterRecord, Delivery, Settlement
from outbox.handlers.outcome import Failed, Outcome
from outbox.values.reasons import clean_reason
from outbox.workers.backoff import backoff, jittered
from outbox.workers.consumer import Consumer
from outbox.workers.partition_state import PartitionMode, PartitionState


@dataclass(frozen=True, slots=True)
class Decision:
    """A settlement and what it means for this process's own bookkeeping."""

    settlement: Settlement
    processed: int
    failed: bool
    """A Retry: the partition rests for `Settlement.delay`."""
    finished: bool
    """The whole batch succeeded; the next may be read in the same statement."""
    attributed: bool = False
    """The failure counts, and is known to be that of the new head."""


def outcome_if_exhausted(delivery: Delivery, consumer: Consumer) -> Outcome | None:
    """Return the outcome of a head that gets no further delivery, None for any other.

    Its starts were counted before the handler ran, and ``max_attempts`` of them are used up: each
    ended in a crash, a lost lease, or a failure under an earlier, higher limit.
    """
    if not consumer.attempts_exhausted(delivery.attempts):
        return None
    if delivery.last_error:
        reason = f"given up after {delivery.attempts} failed deliveries; last error: {delivery.last_error}"
    else:
        reason = f"given up after {delivery.attempts} starts without a result: process died or lease ran out"
    return Outcome(1, ((0, clean_reason(reason)),))


def decide(
    delivery: Delivery,
    outcome: Outcome,
    consumer: Consumer,
    state: PartitionState,
    *,
    random: Callable[[], float],
) -> Decision:
    """Turn an outcome into a settlement, and move the partition's state on."""
    messages = delivery.messages
    state.locked = state.missing = 0
    dead = [
        DeadLetterRecord(messages[n].seq, reason, _failed(delivery, n, consumer))
        for n, reason in outcome.rejected
    ]
    processed = outcome.processed
    # A failure after the last message was finished concerns none: the next one has not been begun.
    failure = outcome.failure if processed < len(messages) else None
    if failure is not None and _exhausted(delivery, processed, outcome, consumer):
        starts = _starts(delivery, processed) + 1
        dead.append(DeadLetterRecord(messages[processed].seq, failure.reason, starts))
        processed, failure = processed + 1, None
        state.mode = state.mode.rejected(processed - 1)
        state.streak = 0
    elif failure is None:
        _note_success(outcome, consumer, state)
    cursor = delivery.cursor + processed
    attempts = _starts(delivery, processed)
    if failure is None:
        state.isolate = attempts > 0
        error = delivery.last_error if attempts else None
        settlement = Settlement(delivery.partition_id, cursor, attempts, error, dead=tuple(dead))
        return Decision(settlement, processed, failed=False, finished=processed == len(messages))
    attempts += 1 if failure.counts else 0
    state.streak = 1 if processed else state.streak + 1
    state.mode = _degraded(state, outcome, consumer)
    state.isolate = attempts > 0
    settlement = Settlement(
        delivery.partition_id,
        cursor,
        attempts,
        failure.reason,
        delay=_delay(failure, max(attempts, state.streak), consumer, random),
        dead=tuple(dead),
    )
    attributed = failure.counts and _attributed(delivery, processed, outcome)
    return Decision(settlement, processed, failed=True, finished=False, attributed=attributed)


def _degraded(state: PartitionState, outcome: Outcome, consumer: Consumer) -> PartitionMode:
    if outcome.attributed:
        return state.mode.retried(outcome.processed, consumer.tuning.degradation_threshold)
    # Before a message is given up the batch shrinks to it alone, so that the failure is known to be its own.
    return state.mode.retried(None, 1 if consumer.cautious else consumer.tuning.degradation_threshold)


def _starts(delivery: Delivery, position: int) -> int:
    """Failed starts of the message at ``position`` before this delivery: only a head has any."""
    return delivery.attempts if position == 0 else 0


def _failed(delivery: Delivery, position: int, consumer: Consumer) -> int:
    starts = _starts(delivery, position)
    # An exhausted head was not delivered once more.
    return starts if position == 0 and consumer.attempts_exhausted(starts) else starts + 1


def _exhausted(delivery: Delivery, position: int, outcome: Outcome, consumer: Consumer) -> bool:
    """Whether the failing message has had its last delivery, and the failure is known to be its own."""
    counts = outcome.failure is not None and outcome.failure.counts
    last = counts and consumer.attempts_exhausted(_starts(delivery, position) + 1)
    return last and _attributed(delivery, position, outcome)


def _attributed(delivery: Delivery, position: int, outcome: Outcome) -> bool:
    return outcome.attributed or len(delivery.messages) - position == 1


def _note_success(outcome: Outcome, consumer: Consumer, state: PartitionState) -> None:
    if outcome.processed == 0:
        return
    state.streak = 0
    if outcome.rejected and not consumer.per_message:
        state.mode = state.mode.rejected(outcome.rejected[0][0])
    else:
        state.mode = state.mode.succeeded(consumer.batch_size)


def _delay(failure: Failed, failures: int, consumer: Consumer, random: Callable[[], float]) -> float:
    if failure.delay is not None:
        return failure.delay
    tuning = consumer.tuning
    return jittered(backoff(failures, tuning.retry_base, tuning.retry_max), random)
