"""The server's clock against this machine's."""

from __future__ import annotations

import time

from outbox.cli.doctor.finding import Finding, not_applicable, ok, warning
from outbox.cli.doctor.patient import Patient

CHECK = "clock"
TOLERATED = 1.0
LOOKS = 3


def examine(patient: Patient) -> list[Finding]:
    """Compare; the quickest of a few answers is the most exact."""
    if patient.is_sqlite:
        return [not_applicable(CHECK, "SQLite uses the clock of this machine")]
    _, difference = min(look(patient) for _ in range(LOOKS))
    text = f"the server is {abs(difference):.3f} s {'ahead of' if difference > 0 else 'behind'} this machine"
    if abs(difference) > TOLERATED:
        advice = "leases are safe, they use the server's clock alone; set both by NTP, or log times mislead"
        return [warning(CHECK, text, advice)]
    return [ok(CHECK, text)]


def look(patient: Patient) -> tuple[float, float]:
    """Return how long the answer took, and how far the server's clock is ahead."""
    sent = time.time()
    server = float(patient.backend.look("clock")[0][0])
    received = time.time()
    return received - sent, server - (sent + received) / 2
