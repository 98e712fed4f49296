"""SQLite's journal: readers and the writer wait for each other in every mode but WAL."""

from __future__ import annotations

from outbox.doctor.finding import Finding, ok, warning
from outbox.doctor.patient import Patient

CHECK = "journal"


def examine(patient: Patient) -> list[Finding]:
    """Tell SQLite's journal mode; servers have none, and nothing is said of them."""
    if "journal_mode" not in patient.backend.catalog:
        return []
    mode = str(patient.backend.query("journal_mode")[0][0])
    if mode == "wal":
        return [ok(CHECK, "write-ahead log")]
    advice = f"run: {patient.command('schema migrate')}"
    return [warning(CHECK, f"mode {mode}: readers and the writer wait for each other", advice)]
