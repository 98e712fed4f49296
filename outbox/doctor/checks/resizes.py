"""Resizes that are under way, and producers that have not heard of one that is over."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from outbox.doctor.finding import Finding, warning
from outbox.doctor.patient import Patient
from outbox.facade.status import QueuePartitionStatus
from outbox.values.readable import count

CHECK = "resizes"


def examine(patient: Patient) -> list[Finding]:
    """Report what waits for what, and what comes to retired partitions; nothing where there is neither."""
    rows = sorted(patient.status.partitions, key=attrgetter("queue"))
    groups = ((queue, list(group)) for queue, group in groupby(rows, attrgetter("queue")))
    return [
        report(patient, queue, group)
        for queue, group in groups
        if any(row.waits or row.retired for row in group)
    ]


def report(patient: Patient, queue: str, rows: list[QueuePartitionStatus]) -> Finding:
    """Report one queue."""
    old = [row for row in rows if row.retired]
    left = count(sum(row.backlog for row in old), "message")
    waiting = sum(row.waits for row in rows)
    if waiting:
        return warning(
            CHECK,
            f"queue {queue} is being resized: {count(waiting, 'new partition')} waiting until {left} of "
            f"{count(len(old), 'old one')} have been delivered",
            f"it ends by itself while workers run; look at what is failing: {patient.command('status')}",
        )
    late = count(sum(row.incoming + row.delayed for row in old), "message")
    return warning(
        CHECK,
        f"queue {queue} was resized, and its old partitions hold {left}, and {late} without a number",
        "workers that run send on what comes; restart producers that were started before the resize",
    )
