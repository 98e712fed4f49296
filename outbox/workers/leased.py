"""Leased turns: hand batches over outside any transaction, settle them under the fence."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from outbox.backends.protocol import Backend
from outbox.backends.records import Delivery, LeaseRequest, LeaseResult, Settlement
from outbox.clock import Clock, monotonic
from outbox.handlers.batch import Batch
from outbox.handlers.outcome import Failed, Outcome, insert_missing
from outbox.queues.parked_keys import Aside, ParkedKeys
from outbox.queues.rules import Rules
from outbox.runtime.observers import Observers
from outbox.runtime.portion import Portion
from outbox.workers.acks import Acks
from outbox.workers.claim import Claim
from outbox.workers.consumer import MAX_BYTES, Consumer
from outbox.workers.failure_recorder import FailureRecorder
from outbox.workers.lease_keeper import LeaseKeeper
from outbox.workers.messages import build_messages
from outbox.workers.partition_state import PartitionStates
from outbox.workers.patience import Fairness
from outbox.workers.rate_limits import Allowance
from outbox.workers.refusals import refused
from outbox.workers.settling import Decision, decide, outcome_if_exhausted, up_to_full
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
        fairness: Fairness,
        *,
        stopping: Callable[[], bool],
        rules: Rules,
        recorder: FailureRecorder | None = None,
        clock: Clock = monotonic,
    ) -> None:
        self._backend = backend
        self._states = states
        self._keeper = keeper
        self._observers = observers
        self._fairness = fairness
        self._stopping = stopping
        self._rules = rules
        self._recorder = recorder
        self._clock = clock
        self._acks = Acks(backend, clock=clock)
        self._portions: defaultdict[str, Portion] = defaultdict(Portion)
        self._parked = ParkedKeys(backend)
        self._random = random.Random()

    def run(
        self, consumer: Consumer, claim: Claim, keys: Sequence[int], allowance: Allowance | None = None
    ) -> bool:
        """Work on the claimed partitions of one consumer; return whether there may be more to do.

        With an allowance, one batch of no more messages than it grants, each of which is counted.
        """
        turn = Turn(fresh_token(), consumer, self._stopping, self._fairness.begin(consumer))
        limits = {key: self._limit(consumer, key, len(keys), allowance) for key in keys}
        (started, taken), _ = self._portions[consumer.queue].run(
            sum(limits.values()), lambda most: self._lease(turn, fit(limits, most))
        )
        for refusal in taken.refusals:
            refused(refusal, consumer, claim, self._states, self._observers)
        deliveries = taken.deliveries
        self._states.locks.free("processor", (delivery.partition_id for delivery in deliveries))
        if allowance is not None:
            allowance.used = sum(len(delivery.messages) for delivery in deliveries)
        rounds = ROUNDS if allowance is None else 1
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
            deliveries, leftover = self._settle(turn, claim, handled, reading_on=number < rounds)
            more = more or leftover
        return more

    def _lease(self, turn: Turn, limits: Mapping[int, int]) -> tuple[float, LeaseResult]:
        """Take leases and read; return when they began, too. What was not asked for stays claimed."""
        consumer, started = turn.consumer, self._clock()
        taken = self._backend.lease_and_read(
            [LeaseRequest(key, limit) for key, limit in limits.items()],
            token=turn.token,
            lease=consumer.lease.duration,
            max_bytes=MAX_BYTES // len(limits),
            # A failure tracker wants to know whose the failures are, too.
            one_if_failed=consumer.one_if_failed or self._recorder is not None,
            solo=len(limits) == 1 and self._states[next(iter(limits))].isolate,
        )
        return started, taken

    def _limit(self, consumer: Consumer, key: int, group: int, allowance: Allowance | None = None) -> int:
        configured = min(consumer.batch_size, max(1, GROUP_MESSAGES // group))
        size = self._states[key].mode.effective_batch_size(configured)
        limit = consumer.speed.batch_limit(
            size, consumer.lease.handler_budget, one_by_one=consumer.per_message
        )
        return limit if allowance is None else min(limit, allowance.share(group))

    def _deliver(self, turn: Turn, delivery: Delivery) -> Handled:
        consumer = turn.consumer
        state = self._states[delivery.partition_id]
        began = self._clock()
        seconds = 0.0
        if delivery.crashed:
            state.mode = state.mode.rejected(None)
        aside = self._parked.aside(delivery, consumer.most_parked)
        delivery, outcome = up_to_full(delivery, consumer, aside)
        outcome = outcome or outcome_if_exhausted(delivery, consumer, aside)
        if outcome is None and self._recorder is not None:
            left_alone = self._recorder.record_unexplained_start(delivery)
            outcome = None if left_alone is None else Outcome(0, failure=left_alone)
        if outcome is None:
            outcome, seconds = self._hand_over(turn, delivery, aside)
        decision = decide(delivery, outcome, consumer, state, random=self._random.random, aside=aside)
        state.crashed = state.crashed and not decision.processed and not decision.failed
        return Handled(delivery, decision, began, seconds)

    def _hand_over(self, turn: Turn, delivery: Delivery, aside: Aside) -> tuple[Outcome, float]:
        """Call the handler; return what became of the messages and the seconds in the handler."""
        consumer = turn.consumer
        assert consumer.leased is not None
        hold = turn.hold(delivery.partition_id)
        messages, withheld = build_messages(delivery, consumer, hold.deadline, aside)
        outcome = Outcome(0)
        seconds = 0.0
        if messages:
            batch = Batch(
                messages,
                hold.deadline,
                lambda: (
                    hold.lost
                    or self._stopping()
                    or turn.patience_over()
                    or self._paused(consumer, delivery.partition_id)
                ),
            )
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

    def _paused(self, consumer: Consumer, key: int) -> bool:
        return self._rules.paused_for(consumer.queue, consumer.indexes[key]) is not None

    def _settle(
        self, turn: Turn, claim: Claim, handled: list[Handled], *, reading_on: bool
    ) -> tuple[list[Delivery], bool]:
        """Write everything down in one statement; return what was read on and whether work was left."""
        if not handled:
            return [], True
        reads = reading_on and not self._stopping() and not turn.out_of_time and not turn.patience_over()
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
        key = decision.settlement.partition_id
        if not reads or not decision.finished or self._paused(turn.consumer, key):
            return decision.settlement
        if any(parked.gives_up for parked in decision.settlement.parked):
            # What would be read has the set of keys from before.
            return decision.settlement
        limit = self._limit(turn.consumer, key, group)
        most = self._portions[turn.consumer.queue].of(limit * group)
        return replace(decision.settlement, next_limit=max(1, min(limit, most // group)))

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


def fit(limits: Mapping[int, int], most: int) -> dict[int, int]:
    """Return as many of the partitions, with as many messages of each, as make at most ``most`` in all."""
    if most >= sum(limits.values()):
        return dict(limits)
    keys = list(limits)[:most]
    return {key: min(limits[key], max(1, most // len(keys))) for key in keys}
