"""Sequences of ids that a restore left behind, or that sessions take numbers from in advance."""

from __future__ import annotations

from outbox.doctor.finding import Finding, problem
from outbox.doctor.patient import Patient
from outbox.workers.identities import troubles

CHECK = "identities"


def examine(patient: Patient) -> list[Finding]:
    """Report ids that would come again, or come out of order; nothing otherwise."""
    return [problem(CHECK, trouble.text, trouble.repair) for trouble in troubles(patient.backend)]
