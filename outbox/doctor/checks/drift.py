"""The tables against what the shipped SQL makes: a lost index is slow, a lost check lets bad rows in."""

from __future__ import annotations

from sqlalchemy import Engine

from outbox.backends.connect import open_backend
from outbox.doctor.finding import Finding, ok, problem, warning
from outbox.doctor.patient import Patient
from outbox.doctor.shapes import Difference, differences

CHECK = "drift"


def examine(patient: Patient) -> list[Finding]:
    """Compare the tables with what the shipped SQL makes."""
    own = open_backend(without_engine(patient.target), naming=patient.backend.naming, pool_size=1)
    try:
        found = differences(own)
    except Exception as error:
        advice = "let the user create temporary tables, or compare with `outbox schema print` by hand"
        return [warning(CHECK, f"could not be compared: {error}", advice)]
    finally:
        own.close()
    if not found:
        return [ok(CHECK, "the tables are as the shipped SQL makes them")]
    return [report(difference) for difference in found]


def without_engine(target: object) -> object:
    """Return something whose connections can be thrown away afterwards."""
    return target.url if isinstance(target, Engine) else target


def report(difference: Difference) -> Finding:
    """Turn a difference into a finding; what is there in addition costs time and breaks nothing."""
    if difference.wanted is None:
        advice = "drop it if nothing of yours needs it: every message pays for it"
        return warning(CHECK, f"{difference.what} is not ours: {difference.found}", advice)
    if difference.found is None:
        return problem(CHECK, f"{difference.what} is missing", f"create it: {difference.wanted}")
    text = f"{difference.what} is {difference.found}"
    return problem(CHECK, text, f"the shipped SQL has: {difference.wanted}")
