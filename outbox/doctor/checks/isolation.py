"""The isolation level in which sessions begin, where the workers set another."""

from __future__ import annotations

from outbox.doctor.finding import Finding, not_applicable, ok
from outbox.doctor.patient import Patient

CHECK = "isolation"


def examine(patient: Patient) -> list[Finding]:
    """Tell the level of this user's sessions."""
    if patient.is_embedded:
        return [not_applicable(CHECK, "SQLite's transactions are serializable")]
    facts = patient.facts
    names = ("default_transaction_isolation", "transaction_isolation", "tx_isolation")
    level = next((facts[name] for name in names if name in facts), "unknown")
    return [ok(CHECK, f"the workers set READ COMMITTED themselves; the default here is {level}")]
