"""Callers on the drivers that web applications have, and outboxes on an Engine."""

from __future__ import annotations

from typing import Any

import pytest

from outbox import DeadLetterFilter, DeadLetterScope, Outbox
from outbox.dead_letters import DeadLetters
from tests.acceptance.dead_letters.office import Office, ids_of
from tests.connections.support import dsn


def connect(office: Office, driver: str) -> Any:
    if driver == "psycopg2":
        import psycopg2

        return psycopg2.connect(office.database.url)
    if driver == "pymysql":
        import pymysql

        return pymysql.connect(**dsn(office.database))
    import MySQLdb

    return MySQLdb.connect(**dsn(office.database))


def go_through_all(office: Office, conn: Any) -> None:
    run_all(office, office.letters, conn)
    conn.rollback()
    assert office.letters.count(DeadLetterFilter(status=None)) == office.letters.count() == 4
    conn.close()


def run_all(office: Office, letters: DeadLetters, conn: Any) -> None:
    payload = bytes(range(256))
    ids = office.put(payload, b"b", b"c", b"d")
    claimed = letters.replay(DeadLetterScope(limit=2), conn=conn)
    assert ids_of(claimed) == ids[:2]
    assert claimed[0].payload == payload
    assert letters.resolve(claimed[:1], conn=conn) == 1
    assert letters.reject(claimed[1:], "é 😀 %s :x", conn=conn) == 1
    assert letters.list(conn=conn)[-1].last_error == "é 😀 %s :x"
    assert letters.discard(DeadLetterScope(ids=ids[2:3]), conn=conn) == 1
    assert len(letters.requeue(DeadLetterScope(queue="orders"), conn=conn)) == 2
    assert letters.count(conn=conn) == 0
    assert letters.cleanup(conn=conn) == 4


@pytest.mark.backends("postgresql")
def test_psycopg2_runs_every_operation(office: Office) -> None:
    go_through_all(office, connect(office, "psycopg2"))


@pytest.mark.backends("mysql", "mariadb")
@pytest.mark.parametrize("driver", ["pymysql", "mysqlclient"])
def test_the_other_mysql_drivers_run_every_operation(office: Office, driver: str) -> None:
    go_through_all(office, connect(office, driver))


def test_an_outbox_on_an_engine_runs_every_operation(office: Office) -> None:
    with Outbox.builder(office.database.engine()).open() as outbox:
        run_all(office, outbox.dead_letters, None)
    assert office.states() == {}


def test_a_caller_with_an_older_snapshot_gets_what_is_still_open(office: Office) -> None:
    first, second = office.put(b"a", b"b")
    conn = office.database.connect()
    assert office.letters.count(conn=conn) == 2
    office.letters.discard(DeadLetterScope(ids=[first]))
    assert ids_of(office.letters.replay(conn=conn)) == [second]
    conn.rollback()
