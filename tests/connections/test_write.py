from __future__ import annotations

import pytest

from outbox.enqueue.prepared_message import PreparedMessage, chunks
from outbox.errors import PayloadTooLarge
from tests.connections.support import AWKWARD, PLAIN, enqueue, numbered, stored
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
