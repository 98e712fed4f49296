"""What to do with a partition that was not handed out."""

from __future__ import annotations

from outbox.backends.records import Refusal, RefusalKind
from outbox.workers.claim import Claim
from outbox.workers.partition_state import PartitionStates


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
    else:
        # Nobody in this process saw its last start end: it may have killed another one.
        state.alone = state.suspect = True
        claim.again((key,))
