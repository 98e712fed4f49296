"""In the caller's transaction: undone with it, done with it, and seen by nobody else before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy.orm import Session

from outbox import DeadLetter, DeadLetterScope, TransactionRequired, UnsupportedConnection
from outbox.dead_letters import DeadLetters
from tests.acceptance.dead_letters.office import Office

Operation = Callable[[DeadLetters, Any, list[DeadLetter]], int]

OPERATIONS: dict[str, tuple[Operation, str]] = {
    "replay": (
        lambda letters, conn, _: len(letters.replay(DeadLetterScope(limit=1), conn=conn)),
        "reprocessing",
    ),
    "resolve": (lambda letters, conn, held: letters.resolve(held, conn=conn), "resolved"),
    "reject": (lambda letters, conn, held: letters.reject(held, "no", conn=conn), "pending"),
    "discard": (lambda letters, conn, _: letters.discard(DeadLetterScope(limit=1), conn=conn), "discarded"),
    "cleanup": (lambda letters, conn, _: letters.cleanup(conn=conn), ""),
    "requeue": (
        lambda letters, conn, _: len(letters.requeue(DeadLetterScope(limit=1), conn=conn)),
        "resolved",
    ),
}


@contextmanager
def raw(office: Office) -> Iterator[Any]:
    yield office.database.connect()


@contextmanager
def engine_connection(office: Office) -> Iterator[Any]:
    with office.database.engine().connect() as conn:
        yield conn


@contextmanager
def session(office: Office) -> Iterator[Any]:
    with Session(office.database.engine()) as session:
        yield session


CALLERS = {"raw": raw, "sqlalchemy": engine_connection, "session": session}


def arrange(office: Office, name: str) -> tuple[int, list[DeadLetter]]:
    """Put by what the operation finds: one letter, and the claim on it if it needs one."""
    (id_,) = office.put(b"a")
    held = office.letters.replay() if name in {"resolve", "reject", "cleanup"} else []
    if name == "cleanup":
        office.letters.resolve(held)
    return id_, held


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_follows_the_transaction_that_it_ran_in(office: Office, name: str, caller: str) -> None:
    operate, after = OPERATIONS[name]
    id_, held = arrange(office, name)
    before = office.states()
    with CALLERS[caller](office) as conn:
        assert operate(office.letters, conn, held) == 1
        assert office.states() == before
        conn.rollback()
        assert office.states() == before
        assert office.database.count("outbox_incoming") == 0
        assert operate(office.letters, conn, held) == 1
        assert operate(office.letters, conn, held) == 0
        conn.commit()
    assert office.states() == ({id_: after} if after else {})
    assert office.database.count("outbox_incoming") == (1 if name == "requeue" else 0)


def test_lists_and_counts_see_what_the_transaction_has_done(office: Office) -> None:
    office.put(b"a", b"b")
    with raw(office) as conn:
        office.letters.discard(DeadLetterScope(limit=1), conn=conn)
        assert office.letters.count(conn=conn) == 1
        assert len(office.letters.list(conn=conn)) == 1
        assert [len(page) for page in office.letters.pages(conn=conn)] == [1]
        assert office.letters.count() == 2
        conn.rollback()


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_connection_that_commits_by_itself_is_refused_for_changes(office: Office, name: str) -> None:
    operate, _ = OPERATIONS[name]
    _, held = arrange(office, name)
    before = office.states()
    conn = office.database.connect(autocommit=True)
    with pytest.raises(TransactionRequired, match="leave conn out"):
        operate(office.letters, conn, held)
    assert office.states() == before
    assert len(office.letters.list(conn=conn)) == office.letters.count(conn=conn)


def test_what_is_no_connection_is_refused(office: Office) -> None:
    with pytest.raises(UnsupportedConnection):
        office.letters.list(conn="postgresql://")


def test_the_connection_of_outbox_transaction_is_accepted(office: Office) -> None:
    office.put(b"a")
    with office.outbox.transaction() as conn:
        claimed = office.letters.replay(conn=conn)
        assert office.letters.resolve(claimed, conn=conn) == 1
    assert set(office.states().values()) == {"resolved"}
