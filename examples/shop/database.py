"""The shop's own tables and connections, on any of the four databases.

An application has one database and writes its SQL for that one. The three small differences that this
example has to bridge are here: how to connect, the mark of a parameter, and a column that counts.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, make_url

TABLES = {
    "orders": "order_id VARCHAR(40) PRIMARY KEY, customer_id VARCHAR(40) NOT NULL, line INTEGER NOT NULL",
    "shipments": "id {counter}, order_id VARCHAR(40) NOT NULL UNIQUE, carrier VARCHAR(40) NOT NULL,"
    " tracking VARCHAR(40) NOT NULL",
    # No unique key: an order that is written down twice shall be seen.
    "audit": "id {counter}, order_id VARCHAR(40) NOT NULL, message_id BIGINT NOT NULL,"
    " total VARCHAR(40) NOT NULL",
}
COUNTERS = {
    "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
    "postgresql": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "mysql": "BIGINT AUTO_INCREMENT PRIMARY KEY",
}
FAMILIES = {"sqlite": "sqlite", "postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql"}


class ShopDatabase:
    """Where the shop keeps its data: tables that begin with a prefix, in the database of a URL."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url: URL = make_url(url)
        self.family = FAMILIES[self.url.get_backend_name()]
        self.prefix = prefix

    def connect(self) -> Any:
        """Return a new connection of the database's driver; every statement is part of a transaction."""
        if self.family == "postgresql":
            import psycopg

            return psycopg.connect(
                self.url.set(drivername="postgresql").render_as_string(hide_password=False)
            )
        if self.family == "mysql":
            import mysql.connector

            who = {"user": self.url.username, "password": self.url.password or ""}
            where = {"host": self.url.host, "port": self.url.port or 3306, "database": self.url.database}
            return mysql.connector.connect(**who, **where)
        import sqlite3

        # IMMEDIATE: a transaction asks for the one write lock when it begins, and waits its turn for it.
        return sqlite3.connect(
            str(self.url.database), timeout=30, isolation_level="IMMEDIATE", check_same_thread=False
        )

    def execute(self, conn: Any, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement on a connection, and return its rows.

        Tables are written ``{orders}``, parameters ``?``.
        """
        names = {name: f"{self.prefix}_{name}" for name in (*TABLES, "dead_letters")}
        text = sql.format_map(names)
        cursor = conn.cursor()
        try:
            cursor.execute(text if self.family == "sqlite" else text.replace("?", "%s"), parameters)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        finally:
            cursor.close()

    def create(self) -> None:
        conn = self.connect()
        try:
            for table, columns in TABLES.items():
                text = columns.format(counter=COUNTERS[self.family])
                self.execute(conn, f"CREATE TABLE {{{table}}} ({text})")
            conn.commit()
        finally:
            conn.close()

    def drop(self) -> None:
        conn = self.connect()
        try:
            for table in TABLES:
                self.execute(conn, f"DROP TABLE IF EXISTS {{{table}}}")
            conn.commit()
        finally:
            conn.close()
