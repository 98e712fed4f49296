"""What the machine can do: plain inserts on one connection."""

from __future__ import annotations

from typing import Any

from benchmarks.measure import Observer
from benchmarks.servers import connect
from benchmarks.workloads.load import Load

ID = {
    "postgresql": "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea",
    "mysql": "id BIGINT AUTO_INCREMENT PRIMARY KEY, body BLOB",
    "sqlite": "id INTEGER PRIMARY KEY, body BLOB",
}
MANY = 1_000


def run(url: str, load: Load) -> None:
    """Print ``insert_1`` (a commit each) and ``insert_1000`` (a thousand rows a commit)."""
    backend = url.partition(":")[0]
    connection = connect(url)
    cursor = connection.cursor()
    if backend == "sqlite":
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute(f"CREATE TABLE yard ({ID[backend]})")
    with Observer(url) as observer:
        singles = load.messages // 10
        with observer.phase("insert_1", singles) as phase:
            for _ in range(singles):
                insert_one(cursor, backend, load.body())
        print(phase.to_line())
        with observer.phase("insert_1000", load.messages) as phase:
            for _ in range(load.messages // MANY):
                insert_many(cursor, backend, [load.body()] * MANY)
        print(phase.to_line())
    connection.close()


def insert_one(cursor: Any, backend: str, body: bytes) -> None:
    """Insert a row; the connection commits by itself."""
    mark = "?" if backend == "sqlite" else "%s"
    cursor.execute(f"INSERT INTO yard (body) VALUES ({mark})", (body,))


def insert_many(cursor: Any, backend: str, bodies: list[bytes]) -> None:
    """Insert rows in one transaction, the driver's quickest way."""
    if backend == "postgresql":
        cursor.execute("INSERT INTO yard (body) SELECT unnest(%s::bytea[])", (bodies,))
        return
    cursor.execute("BEGIN")
    mark = "?" if backend == "sqlite" else "%s"
    cursor.executemany(f"INSERT INTO yard (body) VALUES ({mark})", [(body,) for body in bodies])
    cursor.execute("COMMIT")
