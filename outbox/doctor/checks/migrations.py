"""The applied migrations: statements of this release need the tables of this release."""

from __future__ import annotations

from outbox.doctor.finding import Finding, ok, problem, warning
from outbox.doctor.patient import Patient
from outbox.schema import steps_of

CHECK = "schema"


def examine(patient: Patient) -> list[Finding]:
    """Tell whether every migration of this release is applied, and none of a newer one."""
    applied = patient.backend.applied_migrations() or []
    names = [step.name for step in steps_of(patient.backend)]
    missing = [name for name in names if name not in applied]
    unknown = [name for name in applied if name not in names]
    if missing:
        advice = f"run: {patient.command('schema migrate')}"
        return [problem(CHECK, f"not applied: {', '.join(missing)}", advice)]
    if unknown:
        advice = "upgrade this installation to the release that applied them"
        return [warning(CHECK, f"applied by a newer release: {', '.join(unknown)}", advice)]
    return [ok(CHECK, f"up to date ({names[-1]})")]
