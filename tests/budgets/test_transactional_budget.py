"""What a transactional batch sends: a fixed frame, and for each message a savepoint and the handler's own.

MySQL and MariaDB begin without saying so, and ask once whether the transaction is still the one that
was begun. At the end a session of our own is reset, on PostgreSQL in one message. SQLite, where no statement is
a round trip, forgets a savepoint in a statement of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from outbox import OutboxMessage
from tests.budgets.line import QUEUE, Declare, Line

MINE = "DELETE FROM outbox_failures WHERE seq = 0"


def expected(backend: str, count: int) -> list[str]:
    # From the second message on, RELEASE and SAVEPOINT travel together.
    steps = ["SAVEPOINT", "DELETE", *["RELEASE", "DELETE"] * (count - 1)]
    if backend == "postgresql":
        return ["BEGIN", "WITH", *steps, "UPDATE", "COMMIT", "CLOSE"]
    if backend == "sqlite":
        step = ["SAVEPOINT", "DELETE", "RELEASE"]
        return ["BEGIN", "SELECT", "SELECT", *step * count, "SAVEPOINT", "RELEASE", "UPDATE", "COMMIT"]
    return ["SELECT", *steps, "RELEASE", "UPDATE", "COMMIT", "RESET", "SET", "SET", "COMMAND", "SET"]


def run(conn: Any) -> None:
    if hasattr(conn, "_cmysql"):
        # Its own cursor() pings the server.
        from mysql.connector.cursor_cext import CMySQLCursor

        CMySQLCursor(conn).execute(MINE)
    else:
        conn.cursor().execute(MINE)


@pytest.mark.parametrize("count", [1, 7])
def test_a_batch_of_messages(line: Callable[[Declare], Line], backend: str, count: int) -> None:
    def handler(conn: Any, _msg: OutboxMessage) -> None:
        run(conn)

    workers = line(lambda builder: builder.queue(QUEUE, 1).transactional(handler))
    for _ in range(2):
        workers.send(count)
        workers.sequence()
        assert workers.turn() == expected(backend, count)


def test_a_batch_handler_needs_one_savepoint(line: Callable[[Declare], Line], backend: str) -> None:
    def handler(conn: Any, _msgs: list[OutboxMessage]) -> None:
        run(conn)

    workers = line(lambda builder: builder.queue(QUEUE, 1).transactional_batch(handler))
    workers.send(7)
    workers.sequence()
    assert workers.turn() == expected(backend, 1)
