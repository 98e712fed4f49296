"""SKIP LOCKED: workers share the tables by skipping each other's rows, which a proxy may not know."""

from __future__ import annotations

from outbox.doctor.finding import Finding, not_applicable, ok, problem
from outbox.doctor.patient import Patient
from outbox.errors import DatabaseError, PermissionRefused

CHECK = "skip locked"


def examine(patient: Patient) -> list[Finding]:
    """Run a statement that skips locked rows."""
    if patient.is_embedded:
        return [not_applicable(CHECK, "SQLite has one write lock and no row locks")]
    try:
        patient.backend.query("skip_locked")
    except PermissionRefused:
        return [not_applicable(CHECK, "this user may read and lock nothing; ask as the workers' user")]
    except DatabaseError as error:
        return [problem(CHECK, f"the server refuses it: {error}", "upgrade the server")]
    return [ok(CHECK, "the server knows it")]
