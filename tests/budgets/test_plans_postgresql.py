"""No statement of the hot path reads a large table from end to end, whatever PostgreSQL believes of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from outbox.backends.connect import open_backend
from outbox.backends.protocol import Backend
from outbox.statements import Naming
from tests.budgets.mountain import TABLES, fill, hot_path
from tests.support import Database, PrivateServer

# The driver prepares a statement at its sixth run, and the server may plan it for all values at the sixth of those.
RUNS = 13
EXPLAINING = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_level": "notice",
    "auto_explain.log_format": "json",
    "auto_explain.log_nested_statements": "off",
    "client_min_messages": "notice",
}


@contextmanager
def explaining(database: Database, plans: list[Any], **settings: str) -> Iterator[Backend]:
    """Yield a backend whose statements' plans, as they were run, end up in the list."""
    from psycopg_pool import ConnectionPool

    def on_notice(diagnostic: psycopg.errors.Diagnostic) -> None:
        _, found, plan = (diagnostic.message_primary or "").partition("plan:\n")
        if found:
            plans.append(json.loads(plan))

    options = " ".join(f"-c {name}={value}" for name, value in {**EXPLAINING, **settings}.items())
    with ConnectionPool(
        database.url,
        min_size=1,
        kwargs={"autocommit": True, "options": options},
        configure=lambda conn: conn.add_notice_handler(on_notice),
    ) as pool:
        backend = open_backend(pool, naming=Naming(), pool_size=1)
        yield backend
        backend.close()


def scanned(node: Any) -> Iterator[str]:
    """Yield the tables that a plan reads from end to end: by a sequential scan, or by an index without a condition."""
    if isinstance(node, list):
        for one in node:
            yield from scanned(one)
    elif isinstance(node, dict):
        kind = node.get("Node Type", "")
        whole_index = (
            kind in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"} and "Index Cond" not in node
        )
        if kind == "Seq Scan" or whole_index:
            yield node.get("Relation Name", node.get("Index Name", ""))
        for child in node.values():
            yield from scanned(child)


def keep_ignorant(database: Database, *, analysed_when_empty: bool) -> None:
    with database.session() as session:
        for table in TABLES:
            session.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
            if analysed_when_empty:
                session.execute(f"ANALYZE {table}")


@pytest.mark.slow
@pytest.mark.backends("postgresql")
@pytest.mark.parametrize("analysed_when_empty", [False, True])
def test_no_plan_scans_a_table_of_a_million_rows(
    private_server: PrivateServer, analysed_when_empty: bool
) -> None:
    database = private_server.new_database()
    keep_ignorant(database, analysed_when_empty=analysed_when_empty)
    ids = fill(database, 6)
    for mode in ("auto", "force_generic_plan"):
        plans: list[Any] = []
        seen: dict[str, set[str]] = defaultdict(set)
        with explaining(database, plans, plan_cache_mode=mode) as backend:
            for _ in range(RUNS):
                for name, step in hot_path(backend, ids):
                    plans.clear()
                    step()
                    assert plans, name
                    seen[name].update(scanned(plans))
        assert {name: tables & set(TABLES) for name, tables in seen.items() if tables & set(TABLES)} == {}


# Of a statement that is prepared, the server plans the first five runs for their own values.
PLANNED_ANEW = 5


@pytest.mark.backends("postgresql")
def test_every_statement_of_the_hot_path_is_planned_once_and_for_all(migrated: Database) -> None:
    from psycopg_pool import ConnectionPool

    ids = fill(migrated, 5)
    with ConnectionPool(migrated.url, min_size=1, max_size=1, kwargs={"autocommit": True}) as pool:
        backend = open_backend(pool, naming=Naming(), pool_size=1)
        for _ in range(RUNS):
            for _name, step in hot_path(backend, ids):
                step()
        with pool.connection() as conn:
            rows = conn.execute("SELECT statement, custom_plans, generic_plans FROM pg_prepared_statements")
            prepared = {statement.split("FROM", 1)[0]: counts for statement, *counts in rows}
        backend.close()
    assert len(prepared) >= 6
    assert {
        text: counts for text, counts in prepared.items() if counts[0] > PLANNED_ANEW or not counts[1]
    } == {}
