"""Delivered messages that no process removes: those of a queue that no release declares any more."""

from __future__ import annotations

from collections import Counter

from outbox.doctor.finding import Finding, warning
from outbox.doctor.patient import Patient
from outbox.values.readable import count

CHECK = "leftovers"
MANY = 1000
"""Messages. What a vacuum that runs leaves for a moment, in a queue in which nothing waits, is less."""


def examine(patient: Patient) -> list[Finding]:
    """Report every queue at rest whose delivered messages stay in the tables; nothing otherwise."""
    left: Counter[str] = Counter()
    for row in patient.backend.partition_status(patient.partition_ids):
        at_rest = not row.incoming and row.sequence == row.processed_seq
        left[row.queue] += row.processed_seq - row.vacuumed_seq if at_rest else 0
    return [report(queue, number) for queue, number in sorted(left.items()) if number >= MANY]


def report(queue: str, number: int) -> Finding:
    """Report one queue."""
    return warning(
        CHECK,
        f"queue {queue}: {count(number, 'delivered message')} are still in the tables, and nothing waits; no "
        "process that has a handler for the queue seems to run, whose vacuum would remove them",
        f"run a process that declares {queue} with a handler until they are gone, also if it was given up",
    )
