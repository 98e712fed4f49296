"""Which statements a phase spent the server's time and log on (PostgreSQL with pg_stat_statements)."""

from __future__ import annotations

from typing import Any

QUERY = (
    "SELECT queryid, query, calls, total_exec_time, wal_bytes::bigint FROM pg_stat_statements "
    "WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
LONGEST = 12
WIDTH = 90

Snapshot = dict[int, tuple[str, int, float, int]]
"""By the query's number: text, calls, milliseconds, bytes of log."""


def snapshot(connection: Any) -> Snapshot:
    """Read the totals."""
    return {
        number: (query, calls, milliseconds, log)
        for number, query, calls, milliseconds, log in connection.execute(QUERY).fetchall()
    }


def difference(before: Snapshot, after: Snapshot) -> list[dict[str, object]]:
    """Return what the statements between two snapshots cost, those that took longest first."""
    found = []
    for number, (query, calls, milliseconds, log) in after.items():
        _, calls_before, ms_before, log_before = before.get(number, ("", 0, 0.0, 0))
        if calls > calls_before:
            found.append((milliseconds - ms_before, calls - calls_before, log - log_before, query))
    found.sort(reverse=True)
    return [
        {"ms": round(ms, 1), "calls": calls, "log_bytes": log, "query": " ".join(query.split())[:WIDTH]}
        for ms, calls, log, query in found[:LONGEST]
    ]
