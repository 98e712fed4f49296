"""The tables: applied migrations, and drift against the shipped SQL."""

from __future__ import annotations

from sqlalchemy import Engine

from outbox.backends.connect import open_backend
from outbox.cli.doctor.drift import Difference, differences
from outbox.cli.doctor.finding import Finding, ok, problem, warning
from outbox.cli.doctor.patient import Patient
from outbox.schema import steps_of


def examine_migrations(patient: Patient) -> list[Finding]:
    """Tell whether every migration of this release is applied, and none of a newer one."""
    applied = patient.backend.applied_migrations() or []
    names = [step.name for step in steps_of(patient.backend)]
    missing = [name for name in names if name not in applied]
    unknown = [name for name in applied if name not in names]
    if missing:
        advice = f"run: outbox schema migrate{patient.settings.options()}"
        return [problem("schema", f"not applied: {', '.join(missing)}", advice)]
    if unknown:
        advice = "upgrade this installation to the release that applied them"
        return [warning("schema", f"applied by a newer release: {', '.join(unknown)}", advice)]
    return [ok("schema", f"up to date ({names[-1]})")]


def examine_drift(patient: Patient) -> list[Finding]:
    """Compare the tables with what the shipped SQL makes."""
    own = open_backend(without_engine(patient.target), naming=patient.backend.naming, pool_size=1)
    try:
        found = differences(own)
    except Exception as error:
        advice = "let the user create temporary tables, or compare with `outbox schema print` by hand"
        return [warning("drift", f"could not be compared: {error}", advice)]
    finally:
        own.close()
    if not found:
        return [ok("drift", "the tables are as the shipped SQL makes them")]
    return [report(difference) for difference in found]


def without_engine(target: object) -> object:
    """Return something whose connections can be thrown away afterwards."""
    return target.url if isinstance(target, Engine) else target


def report(difference: Difference) -> Finding:
    """Turn a difference into a finding; what is there in addition costs time and breaks nothing."""
    if difference.wanted is None:
        advice = "drop it if nothing of yours needs it: every message pays for it"
        return warning("drift", f"{difference.what} is not ours: {difference.found}", advice)
    if difference.found is None:
        return problem("drift", f"{difference.what} is missing", f"create it: {difference.wanted}")
    text = f"{difference.what} is {difference.found}"
    return problem("drift", text, f"the shipped SQL has: {difference.wanted}")
