"""What to do with a partition that was not handed out."""

from __future__ import annotations

import logging

from outbox.backends.records import Refusal, RefusalKind
from outbox.workers.claim import Claim
from outbox.workers.partition_state import PartitionStates

log = logging.getLogger("outbox.workers.processor")

# Refusals in a row, at up to half a second each.
REPORT_FIRST = 20
REPORT_EVERY = 500


def refused(refusal: Refusal, claim: Claim, states: PartitionStates) -> None:
    """Put the partition where it belongs in the ready queue."""
    key = refusal.partition_id
    state = states[key]
    is_locked = refusal.kind is RefusalKind.LOCKED or (refusal.kind is RefusalKind.SUSPECT and state.alone)
    state.locked = state.locked + 1 if is_locked else 0
    if refusal.kind is RefusalKind.IDLE:
        claim.done((key,))
    elif refusal.kind is RefusalKind.HELD:
        claim.defer(key, refusal.retry_in)
    elif is_locked:
        # A suspect that was asked for alone has no other reason left, and at once again would be a spin.
        claim.locked(key, state.locked)
        if state.locked % REPORT_EVERY == REPORT_FIRST:
            report_blocked(key, state.locked)
    else:
        # Nobody in this process saw its last start end: it may have killed another one.
        state.alone = state.suspect = True
        claim.again((key,))


def report_blocked(partition_id: int, refusals: int) -> None:
    """Log that a partition has messages and cannot be had, which no amount of waiting may cure."""
    log.warning(
        "partition id %d was refused %d times in a row: its processor row is locked by a long transaction, "
        "or its next message is missing from the outgoing table",
        partition_id,
        refusals,
        extra={"partition_id": partition_id, "refusals": refusals},
    )
