"""MySQL's binary log: InnoDB refuses to write in READ COMMITTED while the log holds statements."""

from __future__ import annotations

from outbox.doctor.finding import Finding, ok, problem
from outbox.doctor.patient import Patient

CHECK = "binary log"


def examine(patient: Patient) -> list[Finding]:
    """Tell the log's format where there is a binary log; say nothing elsewhere."""
    facts = patient.facts
    if facts.get("log_bin", "OFF") in {"OFF", "0"}:
        return []
    form = facts.get("binlog_format", "ROW")
    if form == "STATEMENT":
        text = "binlog_format is STATEMENT, which refuses READ COMMITTED writes"
        return [problem(CHECK, text, "set binlog_format to ROW or MIXED")]
    return [ok(CHECK, f"binlog_format is {form}")]
