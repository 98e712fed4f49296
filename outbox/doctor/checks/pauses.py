"""What is paused or held: easily forgotten, and nothing else tells why a queue stands still."""

from __future__ import annotations

from outbox.doctor.finding import Finding, warning
from outbox.doctor.patient import Patient

CHECK = "pauses"


def examine(patient: Patient) -> list[Finding]:
    """Report every pause, with what ends it; nothing where there is none."""
    return [
        warning(
            CHECK,
            str(pause),
            "when it is over: "
            + patient.command("hold --end" if pause.is_hold else f"queues resume {pause.queue}"),
        )
        for pause in patient.status.pauses
    ]
