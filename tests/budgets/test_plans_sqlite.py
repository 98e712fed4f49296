"""No statement of the hot path reads a large table from end to end: SQLite's own plans, never analysed."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from contextlib import closing

import pytest

from outbox.backends.connect import open_backend
from outbox.statements import Naming
from tests.budgets.mountain import fill, hot_path
from tests.budgets.wire import Wire
from tests.support import Database

HOT = re.compile(r"\boutbox_(?:incoming|outgoing|body)\b(?: AS (\w+))?")
CONTROL = {"BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA"}


@pytest.mark.backends("sqlite")
def test_no_plan_scans_a_hot_table(wire: Wire, migrated: Database) -> None:
    # Never analysed, SQLite does not know how many rows there are: a million have the plans of ten thousand.
    ids = fill(migrated, 4)
    scans: dict[str, set[str]] = defaultdict(set)
    looked_up: Counter[str] = Counter()
    with (
        closing(open_backend(wire.url, naming=Naming(), pool_size=1)) as backend,
        migrated.session() as session,
    ):
        for name, step in hot_path(backend, ids):
            wire.tap.take()
            step()
            for statement in wire.tap.take():
                if statement.verb in CONTROL:
                    continue
                hot = {found[1] or found[0] for found in HOT.finditer(statement.text)}
                plan = session.query(f"EXPLAIN QUERY PLAN {statement.text}")
                looked_up[name] += sum(detail.startswith("SEARCH") for *_, detail in plan)
                scans[name] |= hot & {detail.split()[1] for *_, detail in plan if detail.startswith("SCAN")}
    assert {name: tables for name, tables in scans.items() if tables} == {}
    assert all(looked_up.values()), looked_up
