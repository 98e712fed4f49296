"""Every statement of the file runs on every backend, and finds its rows by an index."""

from __future__ import annotations

import pytest

from outbox import DeadLetterFilter, DeadLetterScope
from outbox.dead_letters.store import Store
from outbox.statements.catalog import parse
from outbox.statements.files import read_sql
from tests.acceptance.dead_letters.office import Office


def test_the_operations_execute_every_statement_of_the_file(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed: set[str] = set()
    run = Store._run

    def noting(store: Store, statement: str, **parameters: object) -> object:
        executed.add(statement)
        return run(store, statement, **parameters)

    monkeypatch.setattr(Store, "_run", noting)
    ids = office.put(*[b"x"] * 5)
    letters = office.letters
    letters.list()
    letters.list(DeadLetterFilter(ids=ids))
    letters.count()
    letters.count(DeadLetterFilter().any_status())
    letters.groups()
    claimed = letters.replay(DeadLetterScope(limit=2))
    letters.resolve(claimed[:1])
    letters.reject(claimed[1:], "no")
    letters.discard(DeadLetterScope(ids=ids[3:]))
    letters.requeue(DeadLetterScope())
    assert letters.cleanup() == 5
    folder = office.outbox.backend.catalog.backend
    assert executed == {
        statement.name for statement in parse(read_sql(folder, "dead_letters"), "dead_letters")
    }


PARAMETERS = {
    "status": "pending",
    "before_id": 2**63 - 1,
    "after_id": 0,
    "partition_id": None,
    "queue": None,
    "payload_type": None,
    "message_key": None,
    "fingerprint": None,
    "failed_after": None,
    "failed_before": None,
    "limit": 100,
    "claim": "c",
}
SCANS = {
    "sqlite": "SCAN outbox_dead_letters",
    "postgresql": "Seq Scan on outbox_dead_letters",
    "mysql": "Table scan on outbox_dead_letters",
}


@pytest.mark.backends("sqlite", "postgresql", "mysql")
@pytest.mark.parametrize(
    ("statement", "by"),
    [
        ("newest_dead_letters", "status"),
        ("oldest_dead_letters", "status"),
        ("count_dead_letters", "status"),
        ("dead_letters_among", "id"),
        ("read_dead_letters", "id"),
        ("lock_open_dead_letters", "id"),
        ("lock_claimed_dead_letters", "id"),
        ("lock_completed_dead_letters", "id"),
    ],
)
def test_no_statement_reads_through_the_letters(office: Office, statement: str, by: str) -> None:
    ids = office.put(b"x", b"y")
    assert office.put_many(11) == 4096
    # As after years: nearly all of them are done with.
    office.database.execute(
        "UPDATE outbox_dead_letters SET status = 'resolved', completed_at = failed_at WHERE id > ?",
        ids[-1] + 50,
    )
    plan = explain(office, statement, ids)
    assert SCANS[office.database.backend] not in plan
    if office.database.backend == "sqlite":
        # The integer key stands in for an index on id, and also ends every other index.
        by_id = "INTEGER PRIMARY KEY (rowid=?)" in plan or "id=?" in plan
        assert by_id if by == "id" else "_listed (status=? AND id" in plan
    elif by == "status":
        assert "listed" in plan


def explain(office: Office, name: str, ids: list[int]) -> str:
    catalog = office.outbox.backend.catalog
    joined = ",".join(map(str, ids))
    text_ids = f"{{{joined}}}" if catalog.backend == "postgresql" else f"[{joined}]"
    statement = catalog[name]
    parameters = {key: {**PARAMETERS, "ids": text_ids}[key] for key in statement.parameters}
    conn = office.database.connect()
    cursor = conn.cursor()
    if catalog.backend == "postgresql":
        cursor.execute("ANALYZE outbox_dead_letters")
    prefix = {"sqlite": "EXPLAIN QUERY PLAN", "mysql": "EXPLAIN FORMAT=TREE"}.get(catalog.backend, "EXPLAIN")
    text = statement.named if catalog.backend == "sqlite" else statement.pyformat
    cursor.execute(f"{prefix} {text}", parameters)
    return "\n".join(str(row[-1]) for row in cursor.fetchall())
