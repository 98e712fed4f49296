"""What handlers do to the session that they were given, and how the next one would notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.acceptance.bench import run_sql

Habit = Callable[[Any], object]


def says(*statements: str) -> Habit:
    """Run statements on the connection."""

    def habit(conn: Any) -> None:
        for statement in statements:
            run_sql(conn, statement)

    return habit


def sets(name: str, value: object) -> Habit:
    """Set a property of the driver's connection."""
    return lambda conn: setattr(conn, name, value)


def hears(conn: Any) -> None:
    conn.add_notice_handler(print)


POSTGRESQL = {
    "search_path": says("SET search_path TO elsewhere"),
    "role": says("SET ROLE pg_monitor"),
    "authorization": says("SET SESSION AUTHORIZATION pg_monitor"),
    "time zone": says("SET TIME ZONE 'Asia/Tokyo'"),
    "read only": says("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"),
    "isolation": says("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
    "timeout": says("SET statement_timeout = 60000"),
    "custom": says("SET shop.tenant = '7'"),
    "encoding": says("SET client_encoding TO latin1"),
    "listen": says("LISTEN gossip"),
    "temporary": says("CREATE TEMPORARY TABLE own (id int)"),
    "lock": says("SELECT pg_advisory_lock(4711)"),
    "prepared": says("PREPARE own AS SELECT 1"),
    "cursor": says("DECLARE own CURSOR WITH HOLD FOR SELECT 1"),
    "currval": says("CREATE TEMPORARY SEQUENCE own_seq", "SELECT nextval('own_seq')"),
    "row factory": sets("row_factory", lambda cursor: list),
    "threshold": sets("prepare_threshold", 1),
    "notices": hears,
}
MYSQL = {
    "database": says("USE information_schema"),
    "sql_mode": says("SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'"),
    "time zone": says("SET time_zone = '+09:00'"),
    "names": says("SET NAMES latin1"),
    "isolation": says("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
    "limit": says("SET sql_select_limit = 1"),
    "variable": says("SET @tenant = 7"),
    "temporary": says("CREATE TEMPORARY TABLE own (id int)"),
    "lock": says("SELECT GET_LOCK('outbox-habit', 1)"),
    "prepared": says("PREPARE own FROM 'SELECT 1'"),
    "raw": sets("raw", True),
}
SQLITE = {
    "query_only": says("PRAGMA query_only = ON"),
    "foreign_keys": says("PRAGMA foreign_keys = ON"),
    "busy_timeout": says("PRAGMA busy_timeout = 1"),
    "attached": says("ATTACH ':memory:' AS more"),
    "temporary": says("CREATE TEMP TABLE own (id)"),
    "recursive": says("PRAGMA recursive_triggers = ON"),
    "row factory": sets("row_factory", lambda _cursor, row: list(row)),
}
HABITS = {"postgresql": POSTGRESQL, "mysql": MYSQL, "mariadb": MYSQL, "sqlite": SQLITE}

LOOKS = {
    "postgresql": """
        SELECT current_user, session_user, current_setting('search_path'), current_setting('TimeZone'),
            current_setting('default_transaction_read_only'), current_setting('default_transaction_isolation'),
            current_setting('statement_timeout'), nullif(current_setting('shop.tenant', TRUE), ''),
            current_setting('client_encoding'), to_regclass('pg_temp.own'), to_regclass('pg_temp.own_seq'),
            current_setting('jit'), current_setting('application_name'),
            (SELECT count(*) FROM pg_listening_channels()),
            (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
            (SELECT count(*) FROM pg_prepared_statements WHERE name = 'own'),
            (SELECT count(*) FROM pg_cursors WHERE is_holdable)
        """,
    "mysql": """
        SELECT DATABASE(), @@sql_mode, @@time_zone, @@character_set_client, @@collation_connection,
            @@session.transaction_isolation, @@sql_select_limit, @tenant, @@autocommit, @@wait_timeout,
            IS_USED_LOCK('outbox-habit')
        """,
    "sqlite": """
        SELECT (SELECT query_only FROM pragma_query_only), (SELECT foreign_keys FROM pragma_foreign_keys),
            (SELECT timeout FROM pragma_busy_timeout), (SELECT count(*) FROM pragma_database_list),
            (SELECT count(*) FROM sqlite_temp_master), (SELECT recursive_triggers FROM pragma_recursive_triggers)
        """,
}
LOOKS["mariadb"] = LOOKS["mysql"].replace("transaction_isolation", "tx_isolation")
# What the next one does, and would fail at, or get otherwise, if the last one's traces were left.
TRIES = {
    "postgresql": (
        "PREPARE own AS SELECT 1",
        "DEALLOCATE own",
        "CREATE TEMPORARY TABLE own (id int)",
        "DROP TABLE own",
    ),
    "mysql": ("CREATE TEMPORARY TABLE own (id int)", "DROP TEMPORARY TABLE own"),
    "sqlite": (),
}
TRIES["mariadb"] = TRIES["mysql"]


def state(conn: Any, backend: str) -> object:
    """Return what a handler finds."""
    for statement in TRIES[backend]:
        run_sql(conn, statement)
    found = run_sql(conn, LOOKS[backend]).fetchall()
    return found, type(found[0]).__name__
