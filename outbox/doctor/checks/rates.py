"""Queues whose messages wait for their rate: it looks like workers that do nothing."""

from __future__ import annotations

from outbox.doctor.finding import Finding, ok, warning
from outbox.doctor.patient import Patient
from outbox.facade.queue_settings import QueueSettings
from outbox.values.readable import duration

CHECK = "rates"


def examine(patient: Patient) -> list[Finding]:
    """Report every queue with a rate, and since when its messages wait; nothing where there is none."""
    return [report(patient, settings) for settings in patient.status.settings if settings.rate is not None]


def report(patient: Patient, settings: QueueSettings) -> Finding:
    """Report one queue."""
    rows = [row for row in patient.status.partitions if row.queue == settings.queue and row.backlog]
    oldest = max((row.oldest_age or 0.0 for row in rows), default=0.0)
    said = settings.sentences[-1]
    if (settings.tokens or 0.0) >= 1.0 or oldest <= patient.stalled_after:
        return ok(CHECK, said)
    return warning(
        CHECK,
        f"{said}, and {sum(row.backlog for row in rows)} wait, the oldest for {duration(oldest)}",
        "give the queue a higher rate in every process that declares it, or send less",
    )
