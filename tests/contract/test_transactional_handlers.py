"""Transactional handlers on the connections of the worker drivers."""

from __future__ import annotations

from typing import Any

import pytest

from outbox.errors import DatabaseError
from outbox.handlers.transactional import TransactionalPerMessage, TransactionLost
from outbox.values.message import OutboxMessage
from outbox.values.results import HandlerResult, Reject, Retry
from tests.support import Database
from tests.unit.handlers.support import TransactionalRun, insert


@pytest.mark.backends("postgresql")
def test_an_error_the_handler_swallowed_does_not_pass_for_success(database: Database) -> None:
    database.execute("CREATE TABLE effects (seq INTEGER PRIMARY KEY)")

    def handler(conn: Any, message: OutboxMessage) -> None:
        insert(conn, message.seq)
        if message.seq == 3:
            with pytest.raises(Exception, match="duplicate key"):
                insert(conn, 1)

    conn = database.connect()
    outcome = TransactionalRun(conn).run(TransactionalPerMessage(handler), 3)
    conn.commit()
    assert outcome.processed == 2
    assert outcome.failure is not None
    assert "aborted" in outcome.failure.reason
    assert database.query("SELECT seq FROM effects ORDER BY seq") == [(1,), (2,)]


@pytest.mark.parametrize("answer", [None, Retry("busy"), Reject("bad")])
def test_a_transaction_that_ended_under_the_handler_is_lost(
    database: Database, answer: HandlerResult
) -> None:
    database.execute("CREATE TABLE effects (seq INTEGER PRIMARY KEY)")

    def handler(conn: Any, message: OutboxMessage) -> HandlerResult:
        if message.seq == 2:
            conn.rollback()  # what a deadlock does on MySQL, swallowed by a retry loop of the handler's
        insert(conn, message.seq)
        return answer if message.seq == 2 else None

    conn = database.connect()
    if database.backend == "sqlite":
        conn.execute("BEGIN")  # as the workers do: the outermost savepoint would commit when released
    with pytest.raises(TransactionLost) as caught:
        TransactionalRun(conn).run(TransactionalPerMessage(handler), 2)
    conn.rollback()
    if isinstance(answer, (Retry, Reject)):
        assert caught.value.failure.reason == answer.reason
    assert isinstance(caught.value.__cause__, DatabaseError)
    assert database.query("SELECT seq FROM effects") == []
