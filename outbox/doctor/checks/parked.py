"""Keys whose messages wait apart: nothing releases them by itself."""

from __future__ import annotations

from outbox.doctor.finding import Finding, warning
from outbox.doctor.patient import Patient
from outbox.values.readable import count

CHECK = "parked keys"


def examine(patient: Patient) -> list[Finding]:
    """Report how many keys wait."""
    status = patient.status
    if not status.parked_keys:
        return []
    waiting = f"{count(status.parked_keys, 'key')} with {count(status.parked_messages, 'message')} waiting"
    return [warning(CHECK, waiting, f"look: {patient.command('parked list')}; then release or discard them")]
