from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import create_engine

from outbox.enqueue.prepared_message import PreparedMessage, chunks
from outbox.errors import PayloadTooLarge
from tests.connections.support import AWKWARD, PLAIN, connect, enqueue, numbered, stored
from tests.support import Database


def test_nothing_is_written_for_an_empty_batch(tables: Database) -> None:
    assert enqueue(tables.connect()) == []
    assert stored(tables) == []


@pytest.mark.parametrize("count", [1, 100, 150, 2500])
def test_ids_come_in_the_order_of_the_messages(tables: Database, count: int) -> None:
    messages = numbered(count)
    connection = tables.connect()
    ids = enqueue(connection, *messages)
    connection.commit()
    assert ids == sorted(set(ids))
    assert stored(tables) == list(zip(ids, messages, strict=True))


def test_payloads_of_megabytes_are_cut_by_their_size(tables: Database) -> None:
    messages = [PreparedMessage(1, bytes([n]) * 700_000, "t") for n in range(16)]
    connection = tables.connect()
    ids = enqueue(connection, *messages)
    connection.commit()
    assert stored(tables) == list(zip(ids, messages, strict=True))


def test_a_savepoint_takes_back_what_came_after_it(tables: Database) -> None:
    connection = tables.connect()
    cursor = connection.cursor()
    cursor.execute("INSERT INTO orders VALUES (1)")
    (kept,) = enqueue(connection, PLAIN)
    cursor.execute("SAVEPOINT here")
    enqueue(connection, *AWKWARD)
    cursor.execute("ROLLBACK TO SAVEPOINT here")
    (after,) = enqueue(connection, PLAIN)
    connection.commit()
    assert stored(tables) == [(kept, PLAIN), (after, PLAIN)]


@pytest.mark.backends("mysql", "mariadb")
def test_ids_of_a_cluster_are_paired_by_their_step(tables: Database) -> None:
    connection = tables.connect()
    connection.cmd_query("SET SESSION auto_increment_increment = 7, auto_increment_offset = 3")
    messages = [PLAIN, *AWKWARD, *numbered(2500)]
    ids = [*enqueue(connection, PLAIN), *enqueue(connection, *messages[1:])]
    connection.commit()
    assert {number % 7 for number in ids} == {3}
    assert stored(tables) == list(zip(ids, messages, strict=True))


@pytest.mark.backends("mysql", "mariadb")
def test_ids_are_paired_when_the_step_changes_between_two_batches(tables: Database) -> None:
    connection = tables.connect()
    messages = numbered(30)
    ids: list[int] = []
    for step in (1, 5, 2):
        connection.cmd_query(f"SET SESSION auto_increment_increment = {step}")
        ids += enqueue(connection, *messages[len(ids) : len(ids) + 10])
    connection.commit()
    assert stored(tables) == list(zip(ids, messages, strict=True))


@pytest.mark.backends("mysql", "mariadb")
def test_a_message_that_would_cost_the_connection_is_not_sent(tables: Database) -> None:
    connection = tables.connect()
    limit = tables.value("SELECT @@max_allowed_packet")
    payload = bytes(limit // 2)
    for messages in ([PreparedMessage(1, payload, "t")], [PLAIN, PreparedMessage(1, payload, "t")]):
        with pytest.raises(PayloadTooLarge) as caught:
            enqueue(connection, *messages)
        assert caught.value.size == limit // 2
    assert connection.is_connected()
    assert stored(tables) == []
    (number,) = enqueue(connection, PreparedMessage(1, payload[: caught.value.max], "t"))
    connection.commit()
    assert tables.query("SELECT id, length(payload) FROM outbox_body") == [(number, caught.value.max)]


@pytest.mark.parametrize(
    ("sizes", "pieces"),
    [([], []), ([1], [1]), ([1] * 7, [3, 3, 1]), ([5, 5, 1], [2, 1]), ([99, 1, 99, 99], [1, 1, 1, 1])],
)
def test_chunks_are_bounded_by_rows_and_by_bytes(sizes: list[int], pieces: list[int]) -> None:
    messages = [PreparedMessage(1, bytes(size), "") for size in sizes]
    cut = list(chunks(messages, rows=3, size=10))
    assert [len(piece) for piece in cut] == pieces
    assert [message for piece in cut for message in piece] == messages


@pytest.mark.backends("mysql", "mariadb")
@pytest.mark.parametrize("driver", ["mysqlconnector", "pymysql", "mysqldb", "sqlalchemy"])
def test_the_last_insert_id_of_the_session_stays_what_it_was(tables: Database, driver: str) -> None:
    tables.execute("CREATE TABLE bills (id BIGINT AUTO_INCREMENT PRIMARY KEY, n INT) AUTO_INCREMENT = 5001")
    engine = create_engine(tables.sqlalchemy_url) if driver == "sqlalchemy" else None
    conn: Any = engine.connect() if engine else connect(tables, driver)
    run = conn.exec_driver_sql if engine else conn.cursor().execute

    def last_insert_id() -> int:
        if engine:
            return int(conn.exec_driver_sql("SELECT LAST_INSERT_ID()").scalar())
        cursor = conn.cursor()
        cursor.execute("SELECT LAST_INSERT_ID()")
        return int(cursor.fetchone()[0])

    enqueue(conn, PLAIN)
    assert last_insert_id() == 0
    run("INSERT INTO bills (n) VALUES (1)")
    for messages in ([PLAIN], numbered(3), numbered(1_001)):
        ids = enqueue(conn, *messages)
        assert last_insert_id() == 5001
    conn.commit()
    assert [id_ for id_, _ in stored(tables)][-1_001:] == ids
    conn.close()
    if engine:
        engine.dispose()


@pytest.mark.backends("mysql", "mariadb")
def test_the_largest_last_insert_id_is_kept(tables: Database) -> None:
    conn = tables.connect()
    cursor = conn.cursor()
    cursor.execute("SELECT LAST_INSERT_ID(18446744073709551615)")
    cursor.fetchall()
    (id_,) = enqueue(conn, PLAIN)
    cursor.execute("SELECT LAST_INSERT_ID()")
    assert cursor.fetchone()[0] == 18446744073709551615
    conn.commit()
    assert stored(tables) == [(id_, PLAIN)]
