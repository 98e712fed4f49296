"""Where model and statements could part: the rules that the model needs stand in the SQL of each database."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

MODEL = Path(__file__).with_name("outbox.pml").read_text()
SIZES = {"N", "WORKERS", "KILLS", "RESENDS", "SEQUENCERS"}
# The rule that the model can leave out; where it stands: folder, file, statement, text.
GUARDS = [
    ("NO_TOKEN", "postgresql", "processor", "settle_and_read", r"c\.locked_by = :token"),
    ("NO_TOKEN", "mysql", "processor", "settle_and_read", r"c\.locked_by = :token"),
    ("NO_TOKEN", "sqlite", "processor", "check_fence", r"c\.locked_by = :token"),
    (
        "NO_CANCEL_POINT",
        "postgresql",
        "processor",
        "settle_and_read",
        r"c\.locked_until > clock_timestamp\(\)",
    ),
    ("NO_CANCEL_POINT", "mysql", "processor", "settle_and_read", r"c\.locked_until > UTC_TIMESTAMP\(6\)"),
    ("NO_CANCEL_POINT", "sqlite", "processor", "check_fence", r"c\.locked_until > CAST\(round\("),
    (
        "OLDER_ACK",
        "postgresql",
        "processor",
        "settle_and_read",
        r"fenced\.processed_seq <= g\.cursor_seq",
    ),
    ("OLDER_ACK", "mysql", "processor", "settle_and_read", r"c\.processed_seq <= wanted\.cursor_seq"),
    ("OLDER_ACK", "sqlite", "processor", "check_fence", r"c\.processed_seq <= json_extract\("),
    ("START_NOT_COUNTED", "postgresql", "processor", "lease_and_read", r"attempts = c\.attempts \+ 1"),
    ("START_NOT_COUNTED", "mysql", "processor", "lease", r"attempts = c\.attempts \+ 1"),
    ("START_NOT_COUNTED", "sqlite", "processor", "lease", r"attempts = attempts \+ 1"),
    (
        "LEASE_NOT_RESPECTED",
        "postgresql",
        "processor",
        "lease_and_read",
        r"c\.locked_until <= clock_timestamp\(\)",
    ),
    ("LEASE_NOT_RESPECTED", "mysql", "processor", "lease_and_read", r"f\.locked_until <= UTC_TIMESTAMP\(6\)"),
    ("DEAD_TWICE", "postgresql", "processor", "settle_and_read", r"settled\.old_seq < d\.seq"),
    ("NO_PARTITION_LOCK", "postgresql", "sequencer", "sequence", r"FOR NO KEY UPDATE OF p SKIP LOCKED"),
    ("NO_PARTITION_LOCK", "mysql", "sequencer", "sequence", r"FOR UPDATE SKIP LOCKED"),
    ("RANGE_DELETE", "mysql", "sequencer", "delete_incoming", r"i\.body_id = moved\.body_id"),
    ("RANGE_DELETE", "postgresql", "sequencer", "sequence", r"WHERE ctid = ANY"),
]


def test_every_rule_of_the_model_is_named_in_its_header() -> None:
    header = MODEL[: MODEL.index("*/")]
    rules = set(re.findall(r"^ \*   ([A-Z_]+) ", header, flags=re.MULTILINE))
    assert rules == set(re.findall(r"^#ifn?def ([A-Z_]+)$", MODEL, flags=re.MULTILINE)) - SIZES
    assert {rule for rule, *_ in GUARDS} <= rules


@pytest.mark.parametrize(
    ("rule", "folder", "file", "statement", "text"), GUARDS, ids=lambda value: str(value)[:24]
)
def test_the_guard_stands_in_the_statement(
    rule: str, folder: str, file: str, statement: str, text: str
) -> None:
    sql = (ROOT / "sql" / folder / f"{file}.sql").read_text()
    statements = re.split(r"^-- name: ", sql, flags=re.MULTILINE)[1:]
    (found,) = (part for part in statements if part.split()[0] == statement)
    assert re.search(text, found), f"{statement} no longer does what {rule} takes away"
