"""What to do with a partition that was not handed out."""

from __future__ import annotations

import logging

from outbox.backends.records import Refusal, RefusalKind
from outbox.workers.claim import Claim
from outbox.workers.consumer import Consumer
from outbox.workers.partition_state import PartitionState, PartitionStates

log = logging.getLogger("outbox.workers.processor")

# Refusals in a row, at up to half a second each.
REPORT_FIRST = 20
REPORT_EVERY = 500
# No waiting brings the row back; the reconciler asks at its own pace anyway.
MISSING_DELAY = 60.0


def refused(refusal: Refusal, consumer: Consumer, claim: Claim, states: PartitionStates) -> None:
    """Put the partition where it belongs in the ready queue."""
    key = refusal.partition_id
    state = states[key]
    is_locked = refusal.kind is RefusalKind.LOCKED or (refusal.kind is RefusalKind.ISOLATE and state.isolate)
    state.locked = state.locked + 1 if is_locked else 0
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
    report_standstill(refusal, consumer, state)


def report_standstill(refusal: Refusal, consumer: Consumer, state: PartitionState) -> None:
    """Log what no amount of waiting may cure: at once or after a while, and not at every try."""
    partition = consumer.indexes[refusal.partition_id]
    where = {"queue": consumer.queue, "partition": partition, "partition_id": refusal.partition_id}
    if state.missing % REPORT_EVERY == 1:
        log.error(
            "queue %s, partition %d (id %d) stands still: it is processed up to seq %d, and message %d has "
            "been deleted from the outgoing table; put the row back, or set processed_seq to the number "
            "before the next row that is there",
            *where.values(),
            refusal.cursor,
            refusal.cursor + 1,
            extra={**where, "cursor": refusal.cursor, "seq": refusal.cursor + 1},
        )
    if state.locked % REPORT_EVERY == REPORT_FIRST:
        log.warning(
            "queue %s, partition %d (id %d) was refused %d times in a row: its processor row is locked by a "
            "long transaction",
            *where.values(),
            state.locked,
            extra={**where, "refusals": state.locked},
        )
