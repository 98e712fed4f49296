"""What a database's tables look like, as text that can be compared."""

from __future__ import annotations

import re

from tests.support import Database

_POSTGRES_TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ? AND c.relkind = 'r'
"""
_POSTGRES_SHAPE = """
WITH ours AS (
    SELECT c.oid, c.relname, c.reloptions FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ? AND c.relkind = 'r'
)
SELECT format('column %s.%s %s null=%s default=%s identity=%s', o.relname, a.attname,
    format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity)
FROM ours o JOIN pg_attribute a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = o.oid AND d.adnum = a.attnum
UNION ALL SELECT format('index %s', pg_get_indexdef(i.indexrelid)) FROM ours o JOIN pg_index i ON i.indrelid = o.oid
UNION ALL SELECT format('constraint %s %s %s', o.relname, k.conname, pg_get_constraintdef(k.oid))
FROM ours o JOIN pg_constraint k ON k.conrelid = o.oid
UNION ALL SELECT format('options %s %s', relname, reloptions) FROM ours
"""
_SQLITE_SHAPE = "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_master"


def tables(database: Database, schema: str = "public") -> set[str]:
    """Return the names of all tables."""
    if database.backend == "postgresql":
        return {name for (name,) in database.query(_POSTGRES_TABLES, schema)}
    if database.backend == "sqlite":
        return {
            name
            for (name,) in database.query("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith("sqlite_")
        }
    return {str(name) for (name,) in database.query("SHOW TABLES")}


def shape(database: Database) -> set[str]:
    """Return every column, index, constraint and storage setting."""
    if database.backend == "postgresql":
        return {line for (line,) in database.query(_POSTGRES_SHAPE, "public")}
    if database.backend == "sqlite":
        return {" ".join(line.split()) for (line,) in database.query(_SQLITE_SHAPE)}
    return {
        re.sub(r" AUTO_INCREMENT=\d+", "", create)
        for name in tables(database)
        for _, create in database.query(f"SHOW CREATE TABLE `{name}`")
    }
