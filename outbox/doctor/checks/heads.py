"""Partitions whose first message fails again and again, and holds up all behind it."""

from __future__ import annotations

from outbox.doctor.finding import Finding, ok, warning
from outbox.doctor.patient import Patient
from outbox.facade.status import QueuePartitionStatus
from outbox.values.readable import count, shortened

CHECK = "heads"
ERROR_WIDTH = 120  # a line of a terminal; the whole error is in `status --json`


def examine(patient: Patient) -> list[Finding]:
    """Report every partition with a failing head."""
    rows = [row for row in patient.status.partitions if row.is_failing and row.last_error]
    return [report(row) for row in rows] or [ok(CHECK, "no partition is held up by a failing message")]


def report(row: QueuePartitionStatus) -> Finding:
    """Report a partition's first message; one whose failures do not count waits for something else."""
    if row.failures > 0:
        what = f"has failed {count(row.failures, 'time')}"
        advice = "fix the handler, or declare the queue with max_attempts so that it goes to the dead letters"
    else:
        what = "is tried again and again"
        advice = "check what its handler waits for: it says that this failure does not count (counts=False)"
    return warning(
        CHECK,
        f"queue {row.queue}, partition {row.partition}: message {row.processed_seq + 1} {what} and holds up "
        f"{count(row.incoming + row.backlog - 1, 'message')}: {shortened(row.last_error, ERROR_WIDTH)}",
        advice,
    )
