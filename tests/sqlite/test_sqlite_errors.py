from __future__ import annotations

import sqlite3

import pytest

from outbox.backends.sqlite.errors import TEXTS, primary_code, translate
from outbox.errors import ConnectionLost, Contention, DatabaseError, ReadOnlyServer
from tests.support import Database

pytestmark = pytest.mark.backends("sqlite")


class Coded(sqlite3.OperationalError):
    """An error with a result code, as Python 3.11 and later raise it."""

    def __init__(self, code: int) -> None:
        super().__init__("text that says nothing")
        self.sqlite_errorcode = code


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (5, Contention),
        (5 | 2 << 8, Contention),  # BUSY_SNAPSHOT
        (6 | 1 << 8, Contention),  # LOCKED_SHAREDCACHE
        (15, Contention),
        (8 | 1 << 8, ReadOnlyServer),
        (10 | 4 << 8, ConnectionLost),
        (14, ConnectionLost),
        (1, DatabaseError),
        (11, DatabaseError),
        (13, DatabaseError),
        (19 | 8 << 8, DatabaseError),
    ],
)
def test_result_codes_decide(code: int, kind: type[DatabaseError]) -> None:
    assert type(translate(Coded(code))) is kind


@pytest.mark.parametrize("text", TEXTS)
def test_where_python_hides_the_code_sqlites_fixed_text_stands_for_it(text: str) -> None:
    assert primary_code(sqlite3.OperationalError(text)) == TEXTS[text]
    assert primary_code(sqlite3.OperationalError(f"{text}: main")) == TEXTS[text]


def test_an_error_of_the_driver_itself_has_no_code() -> None:
    assert type(translate(sqlite3.ProgrammingError("Cannot operate on a closed database."))) is DatabaseError


def test_sqlite_says_what_the_table_of_texts_expects(migrated: Database) -> None:
    owner, other = migrated.connect(autocommit=True), migrated.connect(autocommit=True, timeout=0)
    owner.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as busy:
        other.execute("BEGIN IMMEDIATE")
    owner.execute("COMMIT")
    other.execute("PRAGMA query_only = 1")
    with pytest.raises(sqlite3.OperationalError) as readonly:
        other.execute("DELETE FROM outbox_incoming")

    for caught, kind in ((busy, Contention), (readonly, ReadOnlyServer)):
        assert str(caught.value) in TEXTS
        assert type(translate(caught.value)) is kind
