"""The server's clock against this machine's: a difference misleads those who compare log lines."""

from __future__ import annotations

import time

from outbox.doctor.finding import Finding, not_applicable, ok, warning
from outbox.doctor.patient import Patient

CHECK = "clock"
# Seconds. NTP keeps machines within milliseconds; a second is visible in a log.
TOLERATED = 1.0
# The quickest of three answers bounds the error by its own round trip.
SAMPLES = 3


def examine(patient: Patient) -> list[Finding]:
    """Compare the clocks by the quickest of a few answers."""
    if patient.is_embedded:
        return [not_applicable(CHECK, "SQLite uses the clock of this machine")]
    _, difference = min(sample(patient) for _ in range(SAMPLES))
    text = f"the server is {abs(difference):.3f} s {'ahead of' if difference > 0 else 'behind'} this machine"
    if abs(difference) > TOLERATED:
        advice = "leases are safe, they use the server's clock alone; set both by NTP, or log times mislead"
        return [warning(CHECK, text, advice)]
    return [ok(CHECK, text)]


def sample(patient: Patient) -> tuple[float, float]:
    """Return how long the answer took, and how far the server's clock is ahead."""
    sent = time.time()
    server = float(patient.backend.query("clock")[0][0])
    received = time.time()
    return received - sent, server - (sent + received) / 2
