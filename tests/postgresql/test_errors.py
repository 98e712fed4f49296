"""What the server's errors become."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors

from outbox.backends.postgresql.errors import is_contention, translate
from outbox.errors import ConnectionLost, Contention, DatabaseError, ReadOnlyServer, StatementTimeout

pytestmark = pytest.mark.backends("postgresql")


class Coded(psycopg.OperationalError):
    """An error with a SQLSTATE, and a text that says nothing."""

    def __init__(self, state: str) -> None:
        super().__init__("text that says nothing")
        self.sqlstate = state


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("40001", Contention),  # serialization_failure
        ("40P01", Contention),  # deadlock_detected
        ("55P03", Contention),  # lock_not_available
        ("25006", ReadOnlyServer),  # read_only_sql_transaction
        ("08000", ConnectionLost),  # connection_exception
        ("08006", ConnectionLost),  # connection_failure
        ("08P01", ConnectionLost),  # protocol_violation
        ("25P03", ConnectionLost),  # idle_in_transaction_session_timeout
        ("25P04", ConnectionLost),  # transaction_timeout
        ("53300", ConnectionLost),  # too_many_connections
        ("57P01", ConnectionLost),  # admin_shutdown
        ("57P02", ConnectionLost),  # crash_shutdown
        ("57P03", ConnectionLost),  # cannot_connect_now
        ("57P05", ConnectionLost),  # idle_session_timeout
        ("40003", DatabaseError),  # statement_completion_unknown
        ("42P01", DatabaseError),  # undefined_table
        ("28P01", DatabaseError),  # invalid_password
        ("57014", StatementTimeout),  # query_canceled
        ("53100", DatabaseError),  # disk_full
        ("23505", DatabaseError),  # unique_violation
    ],
)
def test_an_errors_sqlstate_decides_what_to_do(state: str, kind: type[DatabaseError]) -> None:
    assert type(translate(Coded(state))) is kind


def test_a_connection_that_broke_has_no_sqlstate_and_counts_as_lost() -> None:
    assert type(translate(psycopg.OperationalError("server closed the connection"))) is ConnectionLost
    assert type(translate(psycopg.InterfaceError("wrong use"))) is DatabaseError


def test_a_deadlock_is_known_as_one_inside_sqlalchemys_wrapping() -> None:
    from sqlalchemy.exc import OperationalError

    assert is_contention(errors.DeadlockDetected("deadlock"))
    assert is_contention(OperationalError("SELECT 1", {}, errors.DeadlockDetected("deadlock")))
    assert not is_contention(OperationalError("SELECT 1", {}, errors.UndefinedTable("no such table")))
    assert not is_contention(RuntimeError("deadlock"))
