"""No statement of the hot path reads a large table from end to end, whatever PostgreSQL believes of it."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest

from outbox.backends.connect import open_backend
from outbox.backends.postgresql import PostgresBackend, kept_plans
from outbox.backends.postgresql.kept_plans import KeptPlans
from outbox.backends.postgresql.plan_chooser import PlanChooser
from outbox.backends.postgresql.session import Database as Statements
from outbox.backends.postgresql.sources import PoolSource
from outbox.backends.protocol import Backend
from outbox.backends.records import LeaseRequest, Refusal, Settlement
from outbox.statements import Catalog, Naming
from tests.budgets.mountain import LIMIT, MAX_BYTES, TABLES, fill, hot_path
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
            yield str(node.get("Relation Name", node.get("Index Name", "")))
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
def test_no_plan_scans_a_table_of_a_hundred_thousand_rows(
    private_server: PrivateServer, analysed_when_empty: bool
) -> None:
    database = private_server.new_database()
    keep_ignorant(database, analysed_when_empty=analysed_when_empty)
    # A scan is the more tempting the smaller a table is: what is right here is right for a million rows.
    ids = fill(database, 5)
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


@pytest.mark.backends("postgresql")
def test_no_plan_scans_tables_in_which_one_partition_has_nearly_everything(
    private_server: PrivateServer,
) -> None:
    database = private_server.new_database()
    ids = fill(database, 5)
    with database.session() as session:
        for table in ("outbox_incoming", "outbox_outgoing"):
            session.execute(f"DELETE FROM {table} WHERE partition_id > {ids[0]}")
            session.execute(f"ANALYZE {table}")
    plans: list[Any] = []
    with explaining(database, plans) as backend:
        for run in (backend.pending, partial(backend.sequence, limit=LIMIT)):
            run(ids)
            assert plans
            assert not set(scanned(plans)) & set(TABLES)
            plans.clear()


# Of a statement that is prepared, the server plans the first five runs for their own values.
PLANNED_ANEW = 5


@pytest.mark.backends("postgresql")
def test_every_statement_of_the_hot_path_can_be_planned_once_and_for_all(
    migrated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from psycopg_pool import ConnectionPool

    monkeypatch.setattr(KeptPlans, "usable", lambda *_: True)
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


class Clock:
    """A clock for the statements; each takes a little."""

    now = 1_000.0

    def __call__(self) -> float:
        self.now += 0.0001
        return self.now


@pytest.mark.backends("postgresql")
def test_which_runs_use_the_plan_that_the_server_kept(migrated: Database) -> None:
    from psycopg_pool import ConnectionPool

    clock = Clock()
    ids = fill(migrated, 4)
    with ConnectionPool(migrated.url, min_size=1, max_size=1, kwargs={"autocommit": True}) as pool:
        catalog = Catalog.load("postgresql", Naming())
        statements = Statements(PoolSource(pool, catalog, owned=False), catalog, clock=clock)

        def renewals(times: int) -> int:
            """Return how many of so many runs used the statement that the driver prepared."""
            before = runs_of_the_kept_plan()
            for _ in range(times):
                statements.query("renew", partition_ids="{1,2}", token="t", lease=60.0)
            return runs_of_the_kept_plan() - before

        def runs_of_the_kept_plan() -> int:
            with pool.connection() as conn:
                [(runs,)] = conn.execute(
                    "SELECT coalesce(sum(custom_plans + generic_plans), 0) FROM pg_prepared_statements "
                    "WHERE statement LIKE '%SET locked_until%'",
                    prepare=False,
                )
            return int(runs)

        renewals(RUNS)
        assert renewals(5) == 5

        clock.now += kept_plans.QUIET + 0.1
        assert renewals(5) == 4

        # A run that the server's time limit ended is one, too.
        clock.now += kept_plans.QUIET + 0.1
        with migrated.connect() as other, pool.connection() as conn:
            other.execute("LOCK TABLE outbox_processor")
            # Long enough for the RESET. A rollback instead would make psycopg prepare everything anew.
            conn.execute("SET statement_timeout = 300")
            with pytest.raises(psycopg.errors.QueryCanceled):
                statements.session(conn, conn).query("renew", partition_ids="{1,2}", token="t", lease=60.0)
            conn.execute("RESET statement_timeout")
        assert renewals(5) == 5

        requests = [LeaseRequest(partition_id, kept_plans.MANY // len(ids)) for partition_id in ids]
        PostgresBackend(statements, Naming()).lease_and_read(
            requests, token="t", lease=60.0, max_bytes=MAX_BYTES, one_if_failed=False, solo=False
        )
        assert renewals(6) == 0, "the driver has to prepare another statement"
        assert renewals(5) == 5


@pytest.mark.backends("postgresql")
def test_a_flood_into_tables_that_were_vacuumed_when_empty_meets_old_plans_in_one_small_pass_only(
    private_server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_plans, "QUIET", math.inf)
    monkeypatch.setattr(PlanChooser, "keep", lambda *_: True)  # its answer comes after the harm
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
            walk(backend, ids)
        fill(database, 4)
        plans.clear()
        first = backend.sequence(ids, LIMIT)
        assert "outbox_incoming" in scanned(plans), "or there is nothing to be mended"
        assert [(moved, more) for _, _, moved, more in first] == [(kept_plans.MANY // len(ids), True)] * len(
            ids
        )
        for name, step in hot_path(backend, ids):
            plans.clear()
            step()
            assert plans, name
            assert not set(scanned(plans)) & set(TABLES), name


def walk(backend: Backend, ids: Sequence[int]) -> None:
    """Run every statement of the hot path although there is nothing to do."""
    requests = [LeaseRequest(partition_id, LIMIT) for partition_id in ids]
    backend.pending(ids)
    backend.sequence(ids, LIMIT)
    backend.lease_and_read(
        requests, token="t", lease=60.0, max_bytes=MAX_BYTES, one_if_failed=False, solo=False
    )
    backend.renew(ids, token="t", lease=60.0)
    settlements = [Settlement(partition_id, 0, next_limit=LIMIT) for partition_id in ids]
    backend.settle_and_read(settlements, token="t", lease=60.0, max_bytes=MAX_BYTES)
    with backend.transactional_turn(requests[0], max_bytes=MAX_BYTES, one_if_failed=False) as turn:
        assert isinstance(turn, Refusal)
    backend.vacuum(ids, LIMIT * len(ids))
