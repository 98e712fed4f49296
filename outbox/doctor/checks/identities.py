"""Sequences of ids that a restore left behind, or that sessions take numbers from in advance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from outbox.doctor.finding import Finding, problem
from outbox.doctor.patient import Patient

CHECK = "identities"


def examine(patient: Patient) -> list[Finding]:
    """Report ids that would come again, or come out of order; nothing otherwise."""
    if "identities" not in patient.backend.catalog:
        return []
    return [finding for row in patient.backend.query("identities") for finding in judge(patient, row)]


def judge(patient: Patient, row: Any) -> Iterator[Finding]:
    """Report what is wrong with the ids of one table."""
    table = f"{patient.backend.naming.prefix}_{row.name}"
    highest = row.highest or 0
    if row.may_look and highest > (row.given_out or 0):
        yield problem(
            CHECK,
            f"the ids of {table} go on at {(row.given_out or 0) + 1}, and {highest} is there already "
            "(a restore, or a replica that became the primary): an enqueue fails, or messages change order",
            row.move_on,
        )
    if row.taken_at_once > 1:
        yield problem(
            CHECK,
            f"each session takes {row.taken_at_once} ids of {table} in advance, so that later messages may "
            "have lower ids and be delivered before earlier ones",
            row.take_one,
        )
