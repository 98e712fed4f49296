"""The connection that a transactional handler is given is the user's kind."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy

from outbox import OutboxMessage, Retry
from tests.acceptance.bench import Bench, at_rest
from tests.acceptance.transactional.support import create_effects, effects, write_effect

DRIVERS = {
    "sqlite": ("sqlite3", "Connection"),
    "postgresql": ("psycopg", "Connection"),
    "mysql": ("mysql.connector", "CMySQLConnection"),
    "mariadb": ("mysql.connector", "CMySQLConnection"),
}


@pytest.fixture(autouse=True)
def effects_table(bench: Bench) -> None:
    create_effects(bench.database)


def test_built_from_a_url_it_is_the_drivers(bench: Bench) -> None:
    given: list[type] = []
    hands = bench.by_hand(lambda queue: queue.transactional(lambda conn, _msg: given.append(type(conn))))
    bench.send("a")
    hands.turn()
    (kind,) = given
    module, name = DRIVERS[bench.database.backend]
    assert kind.__module__.startswith(module)
    assert name in {base.__name__ for base in kind.__mro__}


def test_built_from_an_engine_it_is_sqlalchemys(bench: Bench) -> None:
    given: list[object] = []
    engine = bench.database.engine()

    def handler(conn: sqlalchemy.Connection, msg: OutboxMessage) -> Retry | None:
        given.append(conn)
        assert conn.engine is engine
        conn.execute(sqlalchemy.text("INSERT INTO effects (seq, note) VALUES (:seq, '')"), {"seq": msg.seq})
        return Retry("second") if msg.seq == 2 and msg.attempts == 0 else None

    hands = bench.by_hand(lambda queue: queue.transactional(handler), target=engine)
    bench.send(*"abc")
    hands.work()
    assert all(isinstance(conn, sqlalchemy.Connection) for conn in given)
    assert effects(bench) == [1]
    bench.end_backoff()
    hands.work()
    assert effects(bench) == [1, 2, 3]
    assert bench.row() == at_rest(3)


def test_an_engines_failed_statement_is_a_retry_too(bench: Bench) -> None:
    def handler(conn: Any, msg: OutboxMessage) -> None:
        write_effect(conn, msg)
        if msg.seq == 2 and msg.attempts == 0:
            write_effect(conn, msg)

    hands = bench.by_hand(lambda queue: queue.transactional(handler), target=bench.database.engine())
    bench.send(*"abc")
    hands.work()
    assert effects(bench) == [1]
    assert bench.row()[:2] == (1, 1)
    bench.end_backoff()
    hands.work()
    assert effects(bench) == [1, 2, 3]


@pytest.mark.backends("postgresql")
def test_built_from_a_pool_it_is_one_of_the_pools_connections(bench: Bench) -> None:
    from psycopg_pool import ConnectionPool

    given: list[object] = []

    def handler(conn: Any, msg: OutboxMessage) -> None:
        given.append(conn.info.get_parameters().get("application_name"))
        write_effect(conn, msg)

    with ConnectionPool(
        bench.database.url, kwargs={"application_name": "the user's"}, min_size=1, max_size=16, open=True
    ) as pool:
        hands = bench.by_hand(lambda queue: queue.transactional(handler), target=pool)
        bench.send("a")
        hands.turn()
        hands.close()
    assert given == ["the user's"]
    assert effects(bench) == [1]
