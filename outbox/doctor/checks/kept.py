"""Queues that keep what was delivered: how much that is, which grows with the traffic."""

from __future__ import annotations

from outbox.doctor.finding import Finding, ok
from outbox.doctor.patient import Patient
from outbox.values.readable import count

CHECK = "kept messages"


def examine(patient: Patient) -> list[Finding]:
    """Report how much each of them keeps; nothing where there is none."""
    keeping = [settings for settings in patient.status.settings if settings.keep is not None]
    kept = {settings.queue: 0 for settings in keeping}
    for row in patient.status.partitions:
        if row.queue in kept:
            kept[row.queue] += row.kept
    return [
        ok(CHECK, f"{settings.sentences[0]}: {count(kept[settings.queue], 'message')}")
        for settings in keeping
    ]
