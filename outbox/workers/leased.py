"""Leased turns: hand batches over outside any transaction, settle them under the fence."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

from outbox.backends.protocol import Backend
from outbox.backends.records import Delivery, LeaseRequest, Settlement
from outbox.clock import Clock, monotonic
from outbox.handlers.batch import Batch
from outbox.handlers.outcome import Failed, Outcome, insert_missing
from outbox.runtime.observers import Observers
from outbox.workers.acks import Acks
from outbox.workers.claim import Claim
from outbox.workers.consumer import MAX_BYTES, Consumer
from outbox.workers.failure_recorder import FailureRecorder
from outbox.workers.lease_keeper import LeaseKeeper
from outbox.workers.messages import build_messages
from outbox.workers.partition_state import PartitionStates
from outbox.workers.refusals import refused
from outbox.workers.settling import Decision, decide, outcome_if_exhausted
from outbox.workers.telling import Handled, handler_failed, tell_turn
from outbox.workers.turn import Turn, fresh_token

# Batches of one partition before others get their turn.
ROUNDS = 8
# A group's messages in one statement, however many partitions it has.
GROUP_MESSAGES = 4000
FINISHED_NOTHING = Outcome(
    0, failure=Failed("the handler finished no message and gave no reason"), attributed=False
)


class LeasedTurns:
    """Runs leased turns; one object serves all processor threads of a process."""

    def __init__(
        self,
        backend: Backend,
        states: PartitionStates,
        keeper: LeaseKeeper,
        observers: Observers,
        *,
        stopping: Callable[[], bool],
        recorder: FailureRecorder | None = None,
        clock: Clock = monotonic,
    ) -> None:
        self._backend = backend
        self._states = states
        self._keeper = keeper
        self._observers = observers
        self._stopping = stopping
        self._recorder = recorder
        self._clock = clock
        self._acks = Acks(backend, clock=clock)
        self._random = random.Random()

    def run(self, consumer: Consumer, claim: Claim, keys: Sequence[int]) -> bool:
        """Work on the claimed partitions of one consumer; return whether there may be more to do."""
        lease = consumer.lease.duration
        started = self._clock()
        turn = Turn(fresh_token(), consumer, self._stopping)
        taken = self._backend.lease_and_read(
            [LeaseRequest(key, self._limit(consumer, key, len(keys))) for key in keys],
            token=turn.token,
            lease=lease,
            max_bytes=MAX_BYTES // len(keys),
            # A failure tracker wants to know whose the failures are, too.
            one_if_failed=consumer.cautious or self._recorder is not None,
            solo=len(keys) == 1 and self._states[keys[0]].isolate,
        )
        for refusal in taken.refusals:
            refused(refusal, consumer, claim, self._states, self._observers)
        deliveries = taken.deliveries
        more = False
        for number in count(1):
            if not deliveries:
                return more
            turn.load(deliveries, started)
            with self._keeper.watching(turn, claim):
                handled = [
                    self._deliver(turn, delivery) for delivery in iter(lambda: turn.next(self._clock()), None)
                ]
            started = self._clock()
            deliveries, leftover = self._settle(turn, claim, handled, reading_on=number < ROUNDS)
            more = more or leftover
        return more

    def _limit(self, consumer: Consumer, key: int, group: int) -> int:
        configured = min(consumer.batch_size, max(1, GROUP_MESSAGES // group))
        size = self._states[key].mode.effective_batch_size(configured)
        return consumer.speed.batch_limit(size, consumer.lease.handler_budget)

    def _deliver(self, turn: Turn, delivery: Delivery) -> Handled:
        consumer = turn.consumer
        state = self._states[delivery.partition_id]
        began = self._clock()
        seconds = 0.0
        if delivery.crashed:
            state.mode = state.mode.rejected(None)
        outcome = outcome_if_exhausted(delivery, consumer)
        if outcome is None and self._recorder is not None:
            left_alone = self._recorder.record_unexplained_start(delivery)
            outcome = None if left_alone is None else Outcome(0, failure=left_alone)
        if outcome is None:
            outcome, seconds = self._hand_over(turn, delivery)
        decision = decide(delivery, outcome, consumer, state, random=self._random.random)
        state.crashed = state.crashed and not decision.processed and not decision.failed
        return Handled(delivery, decision, began, seconds)

    def _hand_over(self, turn: Turn, delivery: Delivery) -> tuple[Outcome, float]:
        """Call the handler; return what became of the messages and the seconds in the handler."""
        consumer = turn.consumer
        assert consumer.leased is not None
        hold = turn.hold(delivery.partition_id)
        messages, withheld = build_messages(delivery, consumer, hold.deadline)
        outcome = Outcome(0)
        seconds = 0.0
        if messages:
            batch = Batch(messages, hold.deadline, lambda: hold.lost or self._stopping())
            if not batch.cancelled:
                began = self._clock()
                outcome = consumer.leased(batch)
                seconds = self._clock() - began
                consumer.speed.note(max(outcome.processed, 1), seconds)
                if not outcome.processed and outcome.failure is None and not batch.cancelled:
                    # Ready again at once would be a spin.
                    outcome = FINISHED_NOTHING
        outcome = insert_missing(outcome, withheld, len(delivery.messages))
        if outcome.failure is not None and outcome.failure.cause is not None:
            self._observers.tell(handler_failed(consumer, delivery, outcome.processed, outcome.failure))
        return outcome, seconds

    def _settle(
        self, turn: Turn, claim: Claim, handled: list[Handled], *, reading_on: bool
    ) -> tuple[list[Delivery], bool]:
        """Write everything down in one statement; return what was read on and whether work was left."""
        if not handled:
            return [], True
        reads = reading_on and not self._stopping() and not turn.out_of_time
        settlements = [self._reading_on(turn, item.decision, len(handled), reads=reads) for item in handled]
        answer = self._acks.send(turn, settlements, max_bytes=MAX_BYTES // len(settlements))
        lost = set(answer.lost)
        if self._recorder is not None:
            self._recorder.note(
                (h.delivery, h.decision) for h in handled if h.delivery.partition_id not in lost
            )
        tell_turn(self._observers, turn.consumer, handled, lost)
        claim.again(lost)
        left = self._give_back(claim, handled, settlements, set(answer.released))
        return answer.deliveries, bool(left)

    def _reading_on(self, turn: Turn, decision: Decision, group: int, *, reads: bool) -> Settlement:
        if not reads or not decision.finished:
            return decision.settlement
        limit = self._limit(turn.consumer, decision.settlement.partition_id, group)
        return replace(decision.settlement, next_limit=limit)

    def _give_back(
        self,
        claim: Claim,
        handled: list[Handled],
        settlements: list[Settlement],
        released: set[int],
    ) -> list[int]:
        left: list[int] = []
        dry: list[int] = []
        for item, settlement in zip(handled, settlements, strict=True):
            key = item.delivery.partition_id
            if key not in released:
                continue
            if item.decision.failed:
                claim.defer(key, settlement.delay)
            elif settlement.next_limit:
                dry.append(key)
            else:
                left.append(key)
        claim.done(dry)
        claim.again(left)
        return left
