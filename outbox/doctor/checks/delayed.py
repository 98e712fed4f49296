"""Delayed messages that are due and stay where they are: nothing sequences their partitions."""

from __future__ import annotations

from outbox.doctor.finding import Finding, warning
from outbox.doctor.patient import Patient
from outbox.values.readable import count, duration

CHECK = "delayed"
# Seconds. A poll of the slowest profile and a pass are over by then, and a short deployment too.
TOLERATED = 30.0


def examine(patient: Patient) -> list[Finding]:
    """Report partitions with messages that should have left long ago; nothing otherwise."""
    late = [row for row in patient.status.partitions if (row.overdue or 0.0) > TOLERATED]
    if not late:
        return []
    longest = max(row.overdue or 0.0 for row in late)
    text = f"{count(len(late), 'partition')} with delayed messages that have been due for {duration(longest)}"
    return [warning(CHECK, text, "start workers for their queues: a sequencer moves what is due")]
