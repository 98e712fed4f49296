"""Statements on whatever connection a handler is given."""

from __future__ import annotations

from typing import Any


def run_sql(conn: Any, sql: str, *parameters: Any) -> Any:
    """Run a statement with ``?`` parameters on a raw or SQLAlchemy connection; return its cursor or result."""
    if hasattr(conn, "exec_driver_sql"):
        return conn.exec_driver_sql(_in_style_of(conn.connection.dbapi_connection, sql), parameters)
    cursor = conn.cursor()
    cursor.execute(_in_style_of(conn, sql), parameters)
    return cursor


def _in_style_of(conn: Any, sql: str) -> str:
    return sql if type(conn).__module__.startswith("sqlite3") else sql.replace("?", "%s")
