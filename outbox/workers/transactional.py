"""Transactional turns: the handler's writes and the cursor commit together or not at all."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace

from outbox.backends.protocol import Backend, TransactionalTurn
from outbox.backends.records import Delivery, LeaseRequest, Refusal, Settlement
from outbox.clock import Clock, Deadline, monotonic
from outbox.connections.after_commit import turn_commit
from outbox.errors import ConnectionLost, Contention, DatabaseError, ReadOnlyServer, StatementTimeout
from outbox.handlers.outcome import Failed, Outcome, insert_missing
from outbox.handlers.transactional import TransactionLost
from outbox.queues.parked_keys import ParkedKeys
from outbox.queues.rules import Rules
from outbox.runtime.observers import Observers
from outbox.runtime.portion import Portion
from outbox.values.message import CancelPoint
from outbox.values.reasons import describe
from outbox.workers.claim import Claim
from outbox.workers.consumer import MAX_BYTES, Consumer
from outbox.workers.failure_recorder import FailureRecorder
from outbox.workers.handler_speed import HandlerSpeed
from outbox.workers.messages import build_messages
from outbox.workers.partition_state import PartitionStates
from outbox.workers.patience import Fairness, Patience
from outbox.workers.rate_limits import Allowance
from outbox.workers.refusals import refused
from outbox.workers.settling import Decision, decide, outcome_if_exhausted, up_to_full
from outbox.workers.telling import Handled, handler_failed, tell_turn

TURN_SECONDS = 2.0
"""How long a transaction goes on with further messages: its locks are held, and on SQLite everybody waits."""


class TransactionalTurns:
    """Runs transactional turns, one partition and one transaction each; serves all processor threads."""

    def __init__(
        self,
        backend: Backend,
        states: PartitionStates,
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
        self._observers = observers
        self._fairness = fairness
        # Not the consumer's, by which threads share leased turns: here one turn is one partition.
        self._portions: defaultdict[str, Portion] = defaultdict(Portion)
        self._speeds: defaultdict[str, HandlerSpeed] = defaultdict(HandlerSpeed)
        self._stopping = stopping
        self._rules = rules
        self._parked = ParkedKeys(backend)
        self._recorder = recorder
        self._clock = clock
        self._random = random.Random()
        # No lease, so no cancel point: only a stop.
        self._never = CancelPoint(math.inf, stopping)

    def run(self, consumer: Consumer, claim: Claim, key: int, allowance: Allowance | None = None) -> bool:
        """Work on one claimed partition; return whether there may be more to do in it.

        With an allowance, no more messages than it grants, each of which is counted.
        """
        patience = self._fairness.begin(consumer, self._backend.waiting.crowded)
        portion = self._portions[consumer.queue]
        limit = self._limit(consumer, key)
        wanted = limit if allowance is None else min(limit, allowance.granted)
        request = LeaseRequest(key, portion.of(wanted))
        handling: Delivery | None = None
        committing: Delivery | None = None
        handled: Handled | None = None
        try:
            with (
                turn_commit(),
                self._backend.transactional_turn(
                    request, max_bytes=MAX_BYTES, one_if_failed=consumer.one_if_failed
                ) as turn,
            ):
                if isinstance(turn, Refusal):
                    refused(turn, consumer, claim, self._states, self._observers)
                    return False
                handling = turn.delivery
                portion.succeeded(wanted)
                if allowance is not None:
                    allowance.used = len(turn.delivery.messages)
                handled = self._handle(turn, consumer, patience)
                turn.settle(handled.decision.settlement)
                handling, committing = None, turn.delivery
        except Contention:
            claim.locked(key)
            return True
        except DatabaseError as error:
            if isinstance(error, StatementTimeout) and handling is None and handled is None:
                # Reading took longer than the server allows: less of it next time.
                portion.timed_out(request.limit)
                if request.limit > 1:
                    return True
            # Until the settlement the connection is the handler's, and so is what became of it. And a commit
            # may fail for what a handler wrote: constraints can be deferred until then.
            lost = handling or (None if isinstance(error, (ConnectionLost, ReadOnlyServer)) else committing)
            if lost is None:
                raise
            self._record_lost_transaction(lost, consumer, claim, error)
            return False
        return self._give_back(consumer, claim, handled, request.limit)

    def _limit(self, consumer: Consumer, key: int) -> int:
        size = self._states[key].mode.effective_batch_size(consumer.batch_size)
        if not consumer.per_message:
            return size
        return self._speeds[consumer.queue].batch_limit(size, math.inf, one_by_one=True)

    def _handle(self, turn: TransactionalTurn, consumer: Consumer, patience: Patience) -> Handled:
        delivery = turn.delivery
        began = self._clock()
        seconds = 0.0
        aside = self._parked.aside(delivery, consumer.most_parked)
        delivery, outcome = up_to_full(delivery, consumer, aside)
        outcome = outcome or outcome_if_exhausted(delivery, consumer, aside)
        if outcome is None:
            messages, withheld = build_messages(delivery, consumer, self._never, aside)
            outcome = Outcome(0)
            if messages:
                assert consumer.transactional is not None
                index = consumer.indexes[delivery.partition_id]
                over = TurnLimit(
                    lambda: self._stopping() or self._rules.paused_for(consumer.queue, index) is not None,
                    patience,
                )
                outcome = consumer.transactional.run(
                    turn.connection, messages, turn.savepoint, turn.rollback, over, seal=turn.seal
                )
                seconds = self._clock() - began
                self._speeds[consumer.queue].note(max(outcome.processed, 1), seconds)
            outcome = self._excuse(insert_missing(outcome, withheld, len(delivery.messages)))
            self._tell_failure(consumer, delivery, outcome)
        state = self._states[delivery.partition_id]
        decision = decide(delivery, outcome, consumer, state, random=self._random.random, aside=aside)
        return Handled(delivery, decision, began, seconds)

    def _tell_failure(self, consumer: Consumer, delivery: Delivery, outcome: Outcome) -> None:
        if outcome.failure is not None and outcome.failure.cause is not None:
            self._observers.tell(handler_failed(consumer, delivery, outcome.processed, outcome.failure))

    def _excuse(self, outcome: Outcome) -> Outcome:
        """Let a lost race for a lock not count: it says nothing about the message."""
        failure = outcome.failure
        if failure is None or failure.cause is None or not self._backend.is_contention(failure.cause):
            return outcome
        return replace(outcome, failure=replace(failure, counts=False))

    def _record_lost_transaction(
        self, delivery: Delivery, consumer: Consumer, claim: Claim, error: DatabaseError
    ) -> None:
        """Count the failure on a new connection: the transaction that the handler was given is lost.

        Everything is undone, and the message that did it is not known, so the head is charged and comes
        alone next time.
        """
        state = self._states[delivery.partition_id]
        failure = error.failure if isinstance(error, TransactionLost) else Failed(describe(error))
        outcome = self._excuse(Outcome(0, failure=failure, attributed=False))
        failure = outcome.failure or failure
        self._tell_failure(consumer, delivery, outcome)
        decision = decide(delivery, outcome, consumer, state, random=self._random.random)
        state.mode = state.mode.rejected(None)
        recorded = Settlement(
            delivery.partition_id,
            delivery.cursor,
            delivery.attempts + (1 if failure.counts else 0),
            failure.reason,
            delay=decision.settlement.delay,
        )
        lost = Decision(recorded, 0, failed=True, finished=False, attributed=decision.attributed)
        handled = Handled(delivery, lost, self._clock(), 0.0)
        self._tell(consumer, handled, noted=self._backend.record_failure(recorded))
        claim.defer(delivery.partition_id, recorded.delay)

    def _give_back(self, consumer: Consumer, claim: Claim, handled: Handled, limit: int) -> bool:
        self._tell(consumer, handled)
        delivery, decision = handled.delivery, handled.decision
        key = delivery.partition_id
        if decision.failed:
            claim.defer(key, decision.settlement.delay)
            return False
        if decision.finished and len(delivery.messages) < limit and not _cut_short(delivery):
            claim.done((key,))
            return False
        claim.again((key,))
        return True

    def _tell(self, consumer: Consumer, handled: Handled, *, noted: bool = True) -> None:
        if noted and self._recorder is not None:
            self._recorder.note([(handled.delivery, handled.decision)])
        tell_turn(self._observers, consumer, [handled])


class TurnLimit:
    """Whether a transaction is to go on with no further message; asked before each of them.

    Time counts from the first question, so that one message at least is handled.
    """

    def __init__(self, stopping: Callable[[], bool], patience: Callable[[], bool]) -> None:
        self._stopping = stopping
        self._patience = patience
        self._deadline: Deadline | None = None

    def __call__(self) -> bool:
        """Return whether to begin no further message."""
        if self._deadline is None:
            self._deadline = Deadline.after(TURN_SECONDS)
            self._patience()
            return self._stopping()
        return self._stopping() or self._deadline.passed or self._patience()


def _cut_short(delivery: Delivery) -> bool:
    """Return whether there may be more: a head with failed starts may come alone, bytes have a budget."""
    return delivery.attempts > 0 or sum(len(m.payload or b"") for m in delivery.messages) >= MAX_BYTES
