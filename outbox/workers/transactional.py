"""Transactional turns: the handler's writes and the cursor commit together or not at all."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from outbox.backends.protocol import TransactionalTurn, Transactions
from outbox.backends.records import Delivery, LeaseRequest, Refusal, Settlement
from outbox.clock import Deadline
from outbox.connections.turn_commit import turn_commit
from outbox.errors import ConnectionLost, Contention, DatabaseError, ReadOnlyServer
from outbox.handlers.outcome import Failed, Outcome, insert_missing
from outbox.handlers.transactional import TransactionLost
from outbox.values.reasons import describe
from outbox.workers.claim import Claim
from outbox.workers.consumer import Consumer
from outbox.workers.counters import Counters
from outbox.workers.failure_recorder import FailureRecorder
from outbox.workers.messages import build_messages
from outbox.workers.partition_state import PartitionStates
from outbox.workers.refusals import refused
from outbox.workers.report import report_verdict
from outbox.workers.settling import Verdict, condemned, judge

MAX_BYTES = 16 * 1024 * 1024
TURN_SECONDS = 2.0
"""How long a transaction goes on with further messages: its locks are held, and on SQLite everybody waits."""


class TransactionalTurns:
    """Runs transactional turns, one partition and one transaction each; serves all processor threads."""

    def __init__(
        self,
        backend: Transactions,
        states: PartitionStates,
        counters: Counters,
        *,
        stopping: Callable[[], bool],
        recorder: FailureRecorder | None = None,
    ) -> None:
        self._backend = backend
        self._states = states
        self._counters = counters
        self._stopping = stopping
        self._recorder = recorder
        self._random = random.Random()

    def run(self, consumer: Consumer, claim: Claim, key: int) -> bool:
        """Work on one claimed partition; return whether there may be more to do in it."""
        request = LeaseRequest(key, self._states[key].mode.effective_batch_size(consumer.batch_size))
        handling: Delivery | None = None
        committing: Delivery | None = None
        verdict: Verdict | None = None
        try:
            with (
                turn_commit(),
                self._backend.transactional_turn(
                    request, max_bytes=MAX_BYTES, one_if_failed=consumer.cautious
                ) as turn,
            ):
                if isinstance(turn, Refusal):
                    refused(turn, consumer, claim, self._states)
                    return False
                handling = turn.delivery
                verdict = self._handle(turn, consumer)
                handling = None
                turn.settle(verdict.settlement)
                committing = turn.delivery
        except Contention:
            claim.locked(key)
            return True
        except DatabaseError as error:
            # A commit may fail for what a handler wrote: constraints can be deferred until then.
            lost = handling or (None if isinstance(error, (ConnectionLost, ReadOnlyServer)) else committing)
            if lost is None:
                raise
            self._record_lost_transaction(lost, consumer, claim, error)
            return False
        return self._give_back(consumer, claim, turn.delivery, verdict, request.limit)

    def _handle(self, turn: TransactionalTurn, consumer: Consumer) -> Verdict:
        delivery = turn.delivery
        outcome = condemned(delivery, consumer)
        if outcome is None:
            messages, withheld = build_messages(delivery, consumer)
            outcome = Outcome(0)
            if messages:
                assert consumer.transactional is not None
                over = _Over(self._stopping)
                outcome = consumer.transactional.run(
                    turn.connection, messages, turn.savepoint, turn.rollback, over, seal=turn.seal
                )
            outcome = self._excuse(insert_missing(outcome, withheld, len(delivery.messages)))
        state = self._states[delivery.partition_id]
        return judge(delivery, outcome, consumer, state, random=self._random.random)

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

        Everything is undone, and nobody knows which message did it, so the head is charged and comes
        alone next time.
        """
        state = self._states[delivery.partition_id]
        failure = error.failure if isinstance(error, TransactionLost) else Failed(describe(error))
        outcome = self._excuse(Outcome(0, failure=failure, attributed=False))
        failure = outcome.failure or failure
        verdict = judge(delivery, outcome, consumer, state, random=self._random.random)
        state.mode = state.mode.rejected(None)
        recorded = Settlement(
            delivery.partition_id,
            delivery.cursor,
            delivery.attempts + (1 if failure.counts else 0),
            failure.reason,
            delay=verdict.settlement.delay,
        )
        lost = Verdict(recorded, 0, failed=True, finished=False, culprit=verdict.culprit)
        if self._backend.record_failure(recorded):
            self._note(delivery, lost)
        report_verdict(consumer, delivery, lost)
        self._counters.add(turns=1, retried=1)
        claim.defer(delivery.partition_id, recorded.delay)

    def _give_back(
        self, consumer: Consumer, claim: Claim, delivery: Delivery, verdict: Verdict, limit: int
    ) -> bool:
        report_verdict(consumer, delivery, verdict)
        self._note(delivery, verdict)
        self._counters.add(
            turns=1,
            processed=verdict.processed,
            retried=int(verdict.failed),
            dead_lettered=len(verdict.settlement.dead),
        )
        key = delivery.partition_id
        if verdict.failed:
            claim.defer(key, verdict.settlement.delay)
            return False
        if verdict.finished and len(delivery.messages) < limit and not _cut_short(delivery):
            claim.done((key,))
            return False
        claim.again((key,))
        return True

    def _note(self, delivery: Delivery, verdict: Verdict) -> None:
        if self._recorder is not None:
            self._recorder.note([(delivery, verdict)])


class _Over:
    """Whether a transaction is to go on with no further message; asked before each of them.

    Time counts from the first question, so that one message at least is handled.
    """

    def __init__(self, stopping: Callable[[], bool]) -> None:
        self._stopping = stopping
        self._deadline: Deadline | None = None

    def __call__(self) -> bool:
        if self._deadline is None:
            self._deadline = Deadline.after(TURN_SECONDS)
            return self._stopping()
        return self._stopping() or self._deadline.passed


def _cut_short(delivery: Delivery) -> bool:
    """Return whether there may be more: a head with failed starts may come alone, bytes have a budget."""
    return delivery.attempts > 0 or sum(len(m.payload or b"") for m in delivery.messages) >= MAX_BYTES
