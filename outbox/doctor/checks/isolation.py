"""The isolation level: above READ COMMITTED, transactions conflict that need not."""

from __future__ import annotations

from outbox.doctor.finding import Finding, not_applicable, ok, warning
from outbox.doctor.patient import Patient

CHECK = "isolation"


def examine(patient: Patient) -> list[Finding]:
    """Tell in which level this user's sessions begin."""
    if patient.is_sqlite:
        return [not_applicable(CHECK, "SQLite's transactions are serializable")]
    facts = patient.facts
    level = facts.get("default_transaction_isolation")
    if level is None:
        level = facts.get("transaction_isolation") or facts.get("tx_isolation", "unknown")
        text = f"the workers set READ COMMITTED themselves; the server's default is {level}"
        return [ok(CHECK, text)]
    if level != "read committed":
        return [
            warning(
                CHECK,
                f"sessions of this user begin in {level}: workers retry conflicts that need not be",
                "let the workers' role have default_transaction_isolation = 'read committed'",
            )
        ]
    return [ok(CHECK, level)]
