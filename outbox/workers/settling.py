"""From what became of a batch to what is written about it. Pure: no clock, no database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from outbox.backends.records import DeadLetterRecord, Delivery, ParkedRecord, Settlement
from outbox.handlers.outcome import Failed, Outcome
from outbox.queues.parked_keys import NOTHING, Aside
from outbox.values.fingerprints import fingerprint
from outbox.values.readable import failed_deliveries
from outbox.values.reasons import clean_reason
from outbox.workers.backoff import backoff, jittered
from outbox.workers.consumer import Consumer
from outbox.workers.partition_state import PartitionMode, PartitionState

# Not zero: the queues' clock stands still in tests, and what is due in an instant is never due.
INSTANT = 1e-9


@dataclass(frozen=True, slots=True)
class Decision:
    """A settlement and what it means for this process's own bookkeeping."""

    settlement: Settlement
    processed: int
    failed: bool
    """A Retry: the partition rests for `Settlement.delay`."""
    finished: bool
    """The whole batch succeeded; the next may be read in the same statement."""
    set_aside: int = 0
    """Messages put apart with their key, or passed over since they have other numbers."""
    attributed: bool = False
    """The failure counts, and is known to be that of the new head."""


def outcome_if_exhausted(delivery: Delivery, consumer: Consumer, aside: Aside = NOTHING) -> Outcome | None:
    """Return the outcome of a head that gets no further delivery, None for any other.

    Its starts were counted before the handler ran, and ``max_attempts`` of them are used up: each
    ended in a crash, a lost lease, or a failure under an earlier, higher limit.
    """
    if not consumer.attempts_exhausted(delivery.attempts) or 0 in aside.parked or 0 in aside.passed:
        return None
    if not consumer.may_give_up(delivery.messages[0].message_key, aside.keys):
        return None
    if delivery.last_error:
        reason = f"given up after {failed_deliveries(delivery.attempts)}; last error: {delivery.last_error}"
    else:
        reason = f"given up after {delivery.attempts} starts without a result: process died or lease ran out"
    return Outcome(1, ((0, clean_reason(reason)),))


def up_to_full(delivery: Delivery, consumer: Consumer, aside: Aside) -> tuple[Delivery, Outcome | None]:
    """End a batch before a message that is not to be handed over, while no more of its key may wait."""
    if aside.full is None:
        return delivery, None
    if aside.full:
        return replace(delivery, messages=delivery.messages[: aside.full]), None
    key = delivery.messages[0].message_key
    reason = f"the messages parked for key {key!r} have reached their limit; release or discard them"
    # Others may release it at any time, so it is only tried again: as rarely as a head that keeps failing.
    return delivery, Outcome(0, failure=Failed(reason, consumer.tuning.retry_max, counts=False))


def decide(
    delivery: Delivery,
    outcome: Outcome,
    consumer: Consumer,
    state: PartitionState,
    *,
    random: Callable[[], float],
    aside: Aside = NOTHING,
) -> Decision:
    """Turn an outcome into a settlement, and move the partition's state on."""
    messages = delivery.messages
    state.locked = state.missing = 0
    lost = [
        DeadLetterRecord(messages[n].seq, reason, _failed(delivery, n, consumer), fingerprint(reason))
        for n, reason in outcome.rejected
    ]
    # What the handler rejected is its decision about one message; the head that it did not see was given up.
    given_up = {lost[0].seq} if lost and _head_exhausted(delivery, outcome, consumer) else set()
    processed = outcome.processed
    # A failure after the last message was finished concerns none: the next one has not been begun.
    failure = outcome.failure if processed < len(messages) else None
    if failure is not None and _exhausted(delivery, processed, outcome, consumer, aside):
        starts = _starts(delivery, processed) + 1
        kind = fingerprint(failure.reason, failure.cause)
        lost.append(DeadLetterRecord(messages[processed].seq, failure.reason, starts, kind))
        given_up.add(messages[processed].seq)
        processed, failure = processed + 1, None
        state.mode = state.mode.rejected(processed - 1)
        state.streak = 0
    elif failure is None:
        _note_success(outcome, consumer, state)
    cursor = delivery.cursor + processed
    attempts = _starts(delivery, processed)
    settlement = _put_away(delivery, consumer, Settlement(delivery.partition_id, cursor), lost, given_up)
    if aside.parked:
        waiting = [ParkedRecord(messages[n].seq) for n in sorted(aside.parked) if n < processed]
        settlement = replace(settlement, parked=(*settlement.parked, *waiting))
    apart = len(settlement.parked) + sum(n < processed for n in aside.passed)
    if failure is None:
        state.isolate = attempts > 0
        error = delivery.last_error if attempts else None
        settlement = replace(settlement, attempts=attempts, last_error=error)
        finished = processed == len(messages)
        return Decision(settlement, processed, failed=False, finished=finished, set_aside=apart)
    attempts += 1 if failure.counts else 0
    state.streak = 1 if processed else state.streak + 1
    state.mode = _degraded(state, outcome, consumer)
    state.isolate = attempts > 0
    settlement = replace(
        settlement,
        attempts=attempts,
        last_error=failure.reason,
        delay=_delay(failure, max(attempts, state.streak), consumer, random),
    )
    attributed = failure.counts and _attributed(delivery, processed, outcome)
    return Decision(
        settlement, processed, failed=True, finished=False, set_aside=apart, attributed=attributed
    )


def _put_away(
    delivery: Delivery,
    consumer: Consumer,
    settlement: Settlement,
    lost: Sequence[DeadLetterRecord],
    given_up: Collection[int],
) -> Settlement:
    """Make dead letters of what is lost, or park the keys of what was given up."""
    if not lost:
        return settlement
    parked = [
        ParkedRecord(letter.seq, letter.attempts, letter.reason, letter.fingerprint, gives_up=True)
        for letter in lost
        if consumer.parks is not None
        and letter.seq in given_up
        and delivery.messages[letter.seq - delivery.cursor - 1].message_key is not None
    ]
    apart = {record.seq for record in parked}
    dead = tuple(letter for letter in lost if letter.seq not in apart)
    return replace(settlement, dead=dead, parked=tuple(parked))


def _head_exhausted(delivery: Delivery, outcome: Outcome, consumer: Consumer) -> bool:
    return outcome.rejected[0][0] == 0 and consumer.attempts_exhausted(delivery.attempts)


def _degraded(state: PartitionState, outcome: Outcome, consumer: Consumer) -> PartitionMode:
    if outcome.attributed:
        return state.mode.retried(outcome.processed, consumer.tuning.degradation_threshold)
    # Before a message is given up the batch shrinks to it alone, so that the failure is known to be its own.
    return state.mode.retried(None, 1 if consumer.one_if_failed else consumer.tuning.degradation_threshold)


def _starts(delivery: Delivery, position: int) -> int:
    """Failed starts of the message at ``position`` before this delivery: only a head has any."""
    return delivery.attempts if position == 0 else 0


def _failed(delivery: Delivery, position: int, consumer: Consumer) -> int:
    starts = _starts(delivery, position)
    # An exhausted head was not delivered once more.
    return starts if position == 0 and consumer.attempts_exhausted(starts) else starts + 1


def _exhausted(delivery: Delivery, position: int, outcome: Outcome, consumer: Consumer, aside: Aside) -> bool:
    """Whether the failing message has had its last delivery, and the failure is known to be its own."""
    if not consumer.may_give_up(delivery.messages[position].message_key, aside.keys):
        return False
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
    if not consumer.backs_off:
        return INSTANT
    if failure.delay is not None:
        return failure.delay
    tuning = consumer.tuning
    return jittered(backoff(failures, tuning.retry_base, tuning.retry_max), random)
