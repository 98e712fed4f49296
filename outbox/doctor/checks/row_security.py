"""Row-level security: rows that a user cannot see look like messages that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from outbox.doctor.finding import Finding, problem, warning
from outbox.doctor.patient import Patient
from outbox.schema import filtered_tables

CHECK = "row security"


def examine(patient: Patient) -> Iterator[Finding]:
    """Report tables that policies filter for this user; nothing otherwise."""
    for row in filtered_tables(patient.backend):
        yield judge(row)


def judge(row: Any) -> Finding:
    """Report one such table."""
    if row.has_policy:
        text = f"policies decide which rows of {row.table_name} this user sees"
        return warning(CHECK, text, "let the policies show all rows, USING (true) WITH CHECK (true)")
    text = f"no policy shows this user a row of {row.table_name}, which looks empty to it"
    return problem(CHECK, text, row.repair)
