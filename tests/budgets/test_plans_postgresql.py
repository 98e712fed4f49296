"""No statement of the hot path reads a large table from end to end, whatever PostgreSQL believes of it."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from outbox.backends.connect import open_backend
from outbox.backends.postgres import database as hot
from outbox.backends.postgres.sources import PoolSource
from outbox.backends.protocol import Backend
from outbox.statements import Catalog, Naming
from tests.budgets.mountain import LIMIT, TABLES, fill, hot_path
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
def test_every_statement_of_the_hot_path_is_planned_once_and_for_all(
    migrated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from psycopg_pool import ConnectionPool

    monkeypatch.setattr(hot, "SLOW", math.inf)  # on a busy machine
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


@pytest.mark.backends("postgresql")
def test_a_statement_that_took_long_is_planned_anew_for_a_minute(migrated: Database) -> None:
    from psycopg_pool import ConnectionPool

    now, runs_take = 1_000.0, 0.0

    def clock() -> float:
        nonlocal now
        now += runs_take  # between the two looks at the clock of a run, and once more after it
        return now

    def runs_of_the_kept_plan() -> int:
        with pool.connection() as conn:
            [(runs,)] = conn.execute(
                "SELECT custom_plans + generic_plans FROM pg_prepared_statements WHERE statement LIKE '%waiting.found%'"
            )
        return int(runs)

    with ConnectionPool(migrated.url, min_size=1, max_size=1, kwargs={"autocommit": True}) as pool:
        catalog = Catalog.load("postgresql", Naming())
        database = hot.Database(PoolSource(pool, owned=False), catalog, clock=clock)

        def look(times: int) -> None:
            for _ in range(times):
                database.run("pending", partition_ids="{1,2}")

        look(RUNS)
        before = runs_of_the_kept_plan()
        runs_take = hot.SLOW * 2
        look(1)
        runs_take = 0.0
        assert runs_of_the_kept_plan() == before + 1
        look(5)
        assert runs_of_the_kept_plan() == before + 1
        now += hot.PLANNED_ANEW_FOR
        look(5)
        assert runs_of_the_kept_plan() == before + 6


@pytest.mark.backends("postgresql")
def test_a_flood_into_tables_that_were_vacuumed_when_empty_gets_a_new_plan_after_one_slow_pass(
    private_server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = private_server.new_database()
    keep_ignorant(database, analysed_when_empty=False)
    ids = fill(database, 1)
    session = database.connect(autocommit=True)
    for table in TABLES:
        session.execute(f"DELETE FROM {table}")
        session.execute(f"VACUUM {table}")
    plans: list[Any] = []
    with explaining(database, plans) as backend:
        for _ in range(RUNS):
            backend.sequence(ids, LIMIT)
        fill(database, 4)
        monkeypatch.setattr(hot, "SLOW", 0.0)
        plans.clear()
        backend.sequence(ids, LIMIT)
        assert "outbox_incoming" in scanned(plans), "or there is nothing to be mended"
        plans.clear()
        backend.sequence(ids, LIMIT)
        assert plans
        assert not set(scanned(plans)) & set(TABLES)
