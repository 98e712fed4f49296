"""Deliveries that never reported back: the process died, or the handler took longer than its lease."""

from __future__ import annotations

from outbox.doctor.finding import Finding, ok, warning
from outbox.doctor.patient import Patient
from outbox.facade.status import QueuePartitionStatus
from outbox.values.readable import count

CHECK = "leases"


def examine(patient: Patient) -> list[Finding]:
    """Report every partition with a lease that expired under its handler."""
    rows = [row for row in patient.status.partitions if row.lease_holder and unexplained(row)]
    return [report(row) for row in rows] or [ok(CHECK, "no lease has run out under its handler")]


def report(row: QueuePartitionStatus) -> Finding:
    """Report one partition."""
    owner = f"the lease of {row.lease_holder}" if row.held_for is None else "the previous owner's lease"
    return warning(
        CHECK,
        f"queue {row.queue}, partition {row.partition}: {owner} expired before its handler reported back "
        f"({count(unexplained(row), 'start')} of message {row.processed_seq + 1})",
        "if the process still lives, its handler takes longer than the lease: give it a longer "
        "LeaseConfig(duration=…) or renewals; if it died, find out why",
    )


def unexplained(row: QueuePartitionStatus) -> int:
    """Return how many starts of a partition's head never reported back, as far as the row tells.

    The next owner takes over within a second, so an expired lease is rarely seen. But its start is still
    counted, beside the one that runs now; failures are, too, and leave their error.
    """
    if row.held_for is None:
        return row.attempts
    return 0 if row.last_error else row.attempts - 1
