"""A pooler between the application and the server, and what the outbox does without because of it."""

from __future__ import annotations

from outbox.doctor.finding import Finding, ok
from outbox.doctor.patient import Patient

CHECK = "pooler"


def examine(patient: Patient) -> list[Finding]:
    """Tell of a pooler that was met; nothing otherwise."""
    if not patient.backend.behind_pooler:
        return []
    text = "one is in between: nothing is prepared, settings travel with each transaction, nothing listens"
    return [ok(CHECK, text)]
