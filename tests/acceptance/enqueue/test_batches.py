from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from outbox import (
    ConfigurationError,
    EnqueueMessage,
    InvalidHeaders,
    InvalidPayload,
    InvalidPayloadType,
    Outbox,
    OutboxError,
    PartitionOutOfRange,
    PayloadTooLarge,
)
from tests.acceptance.enqueue.support import (
    PARTITIONS,
    QUEUE,
    Stored,
    assert_nothing_written,
    deliver,
    sales,
    sell,
    stored,
)
from tests.support import Database


@pytest.mark.parametrize("size", [1, 100, 150, 2500])
def test_ids_come_in_item_order_with_the_right_bodies_and_partitions(
    outbox: Outbox, tables: Database, size: int
) -> None:
    # Runs of one partition and changes of it, and payloads of many lengths.
    partitions = [(n // 7 + n % 3) % PARTITIONS for n in range(size)]
    payloads = [b"%d:" % n + b"x" * (n % 50) for n in range(size)]
    connection = tables.connect()
    ids = outbox.enqueue_batch(
        connection,
        QUEUE,
        [EnqueueMessage(body, partition=index) for body, index in zip(payloads, partitions, strict=True)],
    )
    assert_nothing_written(tables)
    connection.commit()
    assert ids == sorted(set(ids))
    assert stored(tables) == [
        Stored(id_, QUEUE, index, body) for id_, index, body in zip(ids, partitions, payloads, strict=True)
    ]


def test_a_batch_arrives_in_item_order(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    ids = outbox.enqueue_batch(connection, QUEUE, (EnqueueMessage(n, partition=0) for n in range(150)))
    connection.commit()
    assert [(msg.id, msg.json()) for msg in deliver(tables)] == list(zip(ids, range(150), strict=True))


def test_items_have_facts_of_their_own(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    items = [
        EnqueueMessage(b"\0", payload_type="shop/raw", partition=0),
        EnqueueMessage({"a": 1}, headers={"trace": "7"}, partition=0),
        EnqueueMessage("text", partition=0),
    ]
    outbox.enqueue_batch(connection, QUEUE, items)
    connection.commit()
    assert [(msg.payload, msg.payload_type, dict(msg.headers)) for msg in deliver(tables)] == [
        (b"\0", "shop/raw", {}),
        (b'{"a":1}', "application/json", {"trace": "7"}),
        (b'"text"', "application/json", {}),
    ]


def test_an_empty_batch_is_an_empty_list(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    assert outbox.enqueue_batch(connection, QUEUE, []) == []
    assert outbox.enqueue_batch(connection, QUEUE, iter(())) == []
    connection.commit()
    assert_nothing_written(tables)


BAD: list[tuple[Any, type[OutboxError]]] = [
    (EnqueueMessage(b"x", partition=PARTITIONS), PartitionOutOfRange),
    (EnqueueMessage(b"x", partition=-1), PartitionOutOfRange),
    (EnqueueMessage(b"x", partition=0, key="a"), ConfigurationError),
    (EnqueueMessage(b"x", key=7), ConfigurationError),  # type: ignore[arg-type]
    (EnqueueMessage(b"x" * 65_537), PayloadTooLarge),
    (EnqueueMessage({1, 2}), InvalidPayload),
    (EnqueueMessage(b"x", payload_type=""), InvalidPayloadType),
    (EnqueueMessage(b"x", headers={"a": 1}), InvalidHeaders),  # type: ignore[dict-item]
    (b"x", ConfigurationError),
    ({"payload": b"x"}, ConfigurationError),
    (None, ConfigurationError),
]


def test_one_bad_item_stops_the_batch_before_anything_is_written(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    sell(connection, 1)
    for position, (bad, kind) in product([0, 60, 119], BAD):
        items = [EnqueueMessage(b"good")] * 120
        items[position] = bad
        with pytest.raises(kind):
            outbox.enqueue_batch(connection, QUEUE, items)
    # Nothing reached the transaction either, which is still the application's to commit.
    connection.commit()
    assert_nothing_written(tables)
    assert sales(tables) == [1]


def test_an_error_while_the_items_are_made_passes_and_nothing_is_written(
    outbox: Outbox, tables: Database
) -> None:
    def items() -> Any:
        yield EnqueueMessage(b"good")
        raise LookupError("no such order")

    connection = tables.connect()
    with pytest.raises(LookupError, match="no such order"):
        outbox.enqueue_batch(connection, QUEUE, items())
    connection.commit()
    assert_nothing_written(tables)


@pytest.mark.backends("mysql", "mariadb")
def test_ids_are_paired_where_the_server_counts_in_steps(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    connection.cursor().execute("SET SESSION auto_increment_increment = 7, auto_increment_offset = 3")
    single = outbox.enqueue(connection, QUEUE, b"single", partition=3)
    ids = outbox.enqueue_batch(
        connection, QUEUE, [EnqueueMessage(b"%d" % n, partition=n % PARTITIONS) for n in range(1500)]
    )
    connection.commit()
    assert {id_ % 7 for id_ in [single, *ids]} == {3}
    assert stored(tables) == [
        Stored(single, QUEUE, 3, b"single"),
        *[Stored(id_, QUEUE, n % PARTITIONS, b"%d" % n) for n, id_ in enumerate(ids)],
    ]


BAD_ITEMS: dict[str, EnqueueMessage] = {
    "payload": EnqueueMessage({1, 2}),
    "size": EnqueueMessage(b"x" * 70_000),
    "type": EnqueueMessage(1, payload_type="a\nb"),
    "headers": EnqueueMessage(1, headers={"trace": "x" * 5_000_000}),
    "partition": EnqueueMessage(1, partition=64),
    "key": EnqueueMessage(1, key="\ud800"),
    "class": "not a message",  # type: ignore[dict-item]
}


@pytest.mark.parametrize("what", BAD_ITEMS)
def test_an_error_about_one_message_names_its_place_in_the_batch(
    outbox: Outbox, tables: Database, what: str
) -> None:
    connection = tables.connect()
    items = [EnqueueMessage({"n": n}) for n in range(2_500)]
    items[1733] = BAD_ITEMS[what]
    with pytest.raises(OutboxError, match=r"^message 1733 of the batch: ") as caught:
        outbox.enqueue_batch(connection, QUEUE, iter(items))
    assert caught.value.index == 1733
    assert "\n" not in str(caught.value)
    connection.commit()
    assert_nothing_written(tables)
    with pytest.raises(type(caught.value)) as alone:
        outbox.enqueue(connection, QUEUE, {1, 2}) if what == "payload" else outbox.enqueue_batch(
            connection, QUEUE, [items[1733]]
        )
    assert alone.value.index == (None if what == "payload" else 0)


@pytest.mark.parametrize("messages", [None, 7, EnqueueMessage(1)])
def test_a_batch_is_an_iterable(outbox: Outbox, tables: Database, messages: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"messages is .*give a list"):
        outbox.enqueue_batch(tables.connect(), QUEUE, messages)
