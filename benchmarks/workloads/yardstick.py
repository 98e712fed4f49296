"""What the machine can do: plain inserts on one connection."""

from __future__ import annotations

from typing import Any, NamedTuple

from benchmarks.load import Load
from benchmarks.measure import Observer
from benchmarks.servers import connect, execute

ID = {
    "postgresql": "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea",
    "mysql": "id BIGINT AUTO_INCREMENT PRIMARY KEY, body BLOB",
    "sqlite": "id INTEGER PRIMARY KEY, body BLOB",
}
MANY = 1_000
WARM_UP = 10


def run(url: str, load: Load) -> None:
    """Print ``insert_1`` (a commit each) and ``insert_1000`` (a thousand rows a commit).

    In transactions as drivers begin and end them, because a message goes into the caller's.
    """
    backend = url.partition(":")[0]
    execute(url, f"CREATE TABLE yard ({ID[backend]})")
    if backend == "sqlite":
        execute(url, "PRAGMA journal_mode = WAL")
    singles = load.messages // 10
    with Observer(url) as observer:
        measure(observer, url, Run("insert_1", singles, 1), load)
        measure(observer, url, Run("insert_1000", load.messages, MANY), load)


class Run(NamedTuple):
    """A number of rows, and the number of them in a commit."""

    name: str
    rows: int
    size: int


def measure(observer: Observer, url: str, run: Run, load: Load) -> None:
    """Print one phase, on a connection of its own that has done it before."""
    backend = url.partition(":")[0]
    connection = connect(url, autocommit=False)
    cursor = connection.cursor()
    for _ in range(WARM_UP):
        insert(cursor, backend, [load.body()] * run.size)
        connection.commit()
    with observer.phase(run.name, run.rows) as phase:
        for start in range(0, run.rows, run.size):
            insert(cursor, backend, [load.body()] * min(run.size, run.rows - start))
            connection.commit()
        observer.stop_clock(phase)
        cursor.close()
        connection.close()
    print(phase.to_line())


def insert(cursor: Any, backend: str, bodies: list[bytes]) -> None:
    """Insert rows, in the driver's quickest way."""
    if backend == "sqlite":
        cursor.execute("BEGIN")
        cursor.executemany("INSERT INTO yard (body) VALUES (?)", [(body,) for body in bodies])
    elif len(bodies) == 1:
        cursor.execute("INSERT INTO yard (body) VALUES (%s)", bodies)
    elif backend == "postgresql":
        cursor.execute("INSERT INTO yard (body) SELECT unnest(%s::bytea[])", (bodies,))
    else:
        cursor.executemany("INSERT INTO yard (body) VALUES (%s)", [(body,) for body in bodies])
