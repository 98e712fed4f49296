from __future__ import annotations

from collections.abc import Callable

import pytest

from outbox.backends.sqlite import SqliteBackend
from outbox.backends.sqlite.migrations import split
from outbox.errors import DatabaseError
from outbox.inbox import Inbox
from tests.support import Database

pytestmark = pytest.mark.backends("sqlite")
Open = Callable[..., SqliteBackend]

LISTS = {"partition_ids", "moves", "settlements", "dead", "plan"}
HOT = ("body", "partitions", "incoming", "outgoing", "processor", "vacuum")
# They look at every partition there is, on purpose.
WHOLE = {"all_partitions", "missing_messages", "partition_gauges"}


def test_no_statement_scans_a_table_that_was_never_analysed(store: SqliteBackend, migrated: Database) -> None:
    planned = 0
    with Inbox(migrated.url) as inbox, migrated.session() as session:
        inbox.migrate()
        for name, statement in store.catalog.items():
            if name in WHOLE or not statement.named.startswith(
                ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
            ):
                continue
            values = ["[]" if parameter in LISTS else 1 for parameter in statement.parameters]
            sql = statement.named
            for parameter in sorted(statement.parameters, key=len, reverse=True):
                sql = sql.replace(f":{parameter}", f"?{statement.parameters.index(parameter) + 1}")
            steps = [str(row[3]) for row in session.query(f"EXPLAIN QUERY PLAN {sql}", *values)]
            scanned = [
                step for step in steps if step.startswith("SCAN") and any(f"outbox_{t}" in step for t in HOT)
            ]
            assert scanned == [], name
            planned += 1
    assert planned > 20


def test_the_clock_counts_the_milliseconds_that_sqlite_itself_prints(
    store: SqliteBackend, migrated: Database
) -> None:
    (partition_id,) = store.register_queue("orders", 1)
    for _ in range(200):
        ((made, printed),) = migrated.query(
            "SELECT CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000, "
            "CAST(strftime('%s', 'now') AS INTEGER) * 1000000 + CAST(substr(strftime('%f', 'now'), 4) AS INTEGER) * 1000"
        )
        assert made == printed
    assert partition_id


def test_every_clock_is_written_in_the_same_words(store: SqliteBackend) -> None:
    for statement in store.catalog.values():
        clocks = statement.sql.count("julianday")
        assert clocks == statement.sql.count(
            "CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)"
        )
        assert "strftime" not in statement.sql
        assert "datetime" not in statement.sql


def test_message_ids_are_never_used_again(migrated: Database) -> None:
    seen = []
    for _ in range(3):
        with migrated.session() as session:
            session.execute("INSERT INTO outbox_body (payload, payload_type) VALUES (x'00', 't')")
            seen.append(session.query("SELECT last_insert_rowid()")[0][0])
            session.execute("DELETE FROM outbox_body")

    assert len(set(seen)) == 3
    assert seen == sorted(seen)


def test_a_migration_that_fails_leaves_nothing(open_sqlite: Open, database: Database) -> None:
    backend = open_sqlite(database.url)

    with pytest.raises(DatabaseError, match="nonsense"):
        backend.migrate([("1", "CREATE TABLE outbox_a (n INTEGER);\nnonsense;")])

    assert backend.applied_migrations() is None
    assert database.count("sqlite_master") == 0


def test_a_script_is_split_where_sqlite_would() -> None:
    script = (
        "-- one; not two\nCREATE TABLE a (t TEXT DEFAULT 'x;y');\n\n"
        "CREATE TRIGGER b AFTER INSERT ON a BEGIN\n  DELETE FROM a;\n  DELETE FROM a;\nEND;\nSELECT 1"
    )

    assert [part.strip().split()[-1] for part in split(script)] == ["'x;y');", "END;", "1"]
