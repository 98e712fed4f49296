"""What to do with a partition that was not handed out."""

from __future__ import annotations

from outbox import events
from outbox.backends.records import Refusal, RefusalKind
from outbox.runtime.observers import Observers
from outbox.workers.claim import Claim
from outbox.workers.consumer import Consumer
from outbox.workers.partition_state import PartitionState, PartitionStates
from outbox.workers.telling import place_of

# Refusals in a row, at up to half a second each, that a long transaction explains better than a busy row.
REPORT_FIRST = 20
# No waiting brings the row back; the reconciler asks at its own pace anyway.
MISSING_DELAY = 60.0


def refused(
    refusal: Refusal, consumer: Consumer, claim: Claim, states: PartitionStates, observers: Observers
) -> None:
    """Put the partition where it belongs in the ready queue."""
    key = refusal.partition_id
    state = states[key]
    is_locked = refusal.kind is RefusalKind.LOCKED or (refusal.kind is RefusalKind.ISOLATE and state.isolate)
    state.locked = state.locked + 1 if is_locked else 0
    if is_locked and consumer.leased is not None:
        states.locks.locked("processor", key)
    else:
        states.locks.free("processor", (key,))
    state.missing = state.missing + 1 if refusal.kind is RefusalKind.MISSING else 0
    if refusal.kind is RefusalKind.IDLE:
        claim.done((key,))
    elif refusal.kind is RefusalKind.HELD:
        claim.defer(key, refusal.retry_in)
    elif refusal.kind is RefusalKind.MISSING:
        claim.defer(key, MISSING_DELAY)
    elif is_locked:
        # One that was asked for alone has no other reason left, and at once again would be a spin.
        claim.locked(key, state.locked)
    else:
        # Its last start did not end in this process: it may have killed another one.
        state.isolate = state.crashed = True
        claim.again((key,))
    tell_blocked(refusal, consumer, state, observers)


def tell_blocked(refusal: Refusal, consumer: Consumer, state: PartitionState, observers: Observers) -> None:
    """Tell of what waiting may not cure: a deleted row at once, a locked one after a while."""
    if not state.missing and state.locked < REPORT_FIRST:
        return
    observers.tell(
        events.PartitionBlocked(
            **place_of(consumer, refusal.partition_id),
            reason="row_missing" if state.missing else "row_locked",
            seq=refusal.cursor + 1 if state.missing else None,
            refusals=state.missing or state.locked,
        )
    )
