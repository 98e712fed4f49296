"""Dead letters that wait for a decision: nothing replays them by itself."""

from __future__ import annotations

from outbox.doctor.finding import Finding, ok, warning
from outbox.doctor.patient import Patient
from outbox.values.readable import count

CHECK = "dead letters"


def examine(patient: Patient) -> list[Finding]:
    """Report the number of pending letters."""
    pending = patient.status.dead_letters.get("pending", 0)
    if not pending:
        return [ok(CHECK, "none is pending")]
    advice = f"look: {patient.command('dead-letters list')}; then replay, requeue or discard them"
    return [warning(CHECK, f"{count(pending, 'letter')} pending", advice)]
