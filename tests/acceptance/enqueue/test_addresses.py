from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from outbox import (
    ConfigurationError,
    InvalidQueueName,
    Outbox,
    PartitionOutOfRange,
    Partitions,
    QueueNotRegistered,
)
from tests.acceptance.enqueue.support import QUEUE, assert_nothing_written, stored
from tests.support import Database

# Fixed for ever: another partition for a key would break the order of its messages across an upgrade.
PARTITION_OF_64: dict[str | bytes, int] = {
    "customer-1": 61,
    "customer-2": 19,
    "customer-42": 42,
    "a": 47,
    "b": 53,
    "A": 6,
    "": 52,
    "0": 53,
    "42": 58,
    "orders": 13,
    "José": 27,
    "żółć": 50,
    "日本語": 8,
    "🎉": 53,
    " ": 2,
    "key with spaces": 15,
    "x" * 300: 21,
    b"\x00": 8,
    b"\xff\xfe": 35,
    b"customer-42": 42,
}


def test_a_key_has_the_same_partition_for_ever(tables: Database) -> None:
    with Outbox.builder(tables.url).queue("wide", 64).enqueue_only().open() as outbox:
        sent = {outbox.enqueue_now("wide", b"", key=key): key for key in PARTITION_OF_64}
    assert {sent[row.id]: row.partition for row in stored(tables)} == PARTITION_OF_64
    assert {key: Partitions.of(64).for_key(key) for key in PARTITION_OF_64} == PARTITION_OF_64


def test_fewer_partitions_fold_the_same_hash(outbox: Outbox, tables: Database) -> None:
    sent = {outbox.enqueue_now(QUEUE, b"", key=key): key for key in PARTITION_OF_64}
    assert {sent[row.id]: row.partition for row in stored(tables)} == {
        key: partition % 4 for key, partition in PARTITION_OF_64.items()
    }


def test_a_partition_is_taken_as_given(outbox: Outbox, tables: Database) -> None:
    ids = [outbox.enqueue_now(QUEUE, b"", partition=index) for index in (3, 0, 2, 1)]
    assert [(row.id, row.partition) for row in stored(tables)] == list(zip(ids, (3, 0, 2, 1), strict=True))


def test_a_partition_that_does_not_exist_is_refused_with_the_largest_that_does(
    outbox: Outbox, tables: Database
) -> None:
    for partition in (4, -1, 64, 2**70):
        with pytest.raises(PartitionOutOfRange) as caught:
            outbox.enqueue_now(QUEUE, b"", partition=partition)
        assert (caught.value.queue, caught.value.partition, caught.value.max) == (QUEUE, partition, 3)
        assert "maximum 3" in str(caught.value)
    assert_nothing_written(tables)


SENSELESS: list[tuple[dict[str, Any], str]] = [
    ({"partition": 0, "key": "a"}, "key"),
    ({"partition": True}, "partition"),
    ({"partition": "0"}, "partition"),
    ({"partition": 1.0}, "partition"),
    ({"key": 7}, "key"),
    ({"key": "\ud800"}, "key"),
]


def test_an_address_that_makes_no_sense_is_refused(outbox: Outbox, tables: Database) -> None:
    for options, option in SENSELESS:
        with pytest.raises(ConfigurationError) as caught:
            outbox.enqueue_now(QUEUE, b"", **options)
        assert caught.value.option == option
    assert_nothing_written(tables)


def test_an_unknown_queue_is_refused(outbox: Outbox, tables: Database) -> None:
    connection = tables.connect()
    entrances: list[Callable[[str], object]] = [
        lambda queue: outbox.enqueue(connection, queue, b""),
        lambda queue: outbox.enqueue_batch(connection, queue, []),
        lambda queue: outbox.enqueue_now(queue, b""),
    ]
    for queue, enter in product(["invoices", "Orders", "order", "orders2"], entrances):
        with pytest.raises(QueueNotRegistered) as caught:
            enter(queue)
        assert caught.value.queue == queue
        assert "register_queue()" in str(caught.value)
    assert_nothing_written(tables)


NO_NAMES: list[Any] = [
    "",
    "q" * 1025,
    ".orders",
    "orders-",
    "_orders",
    "or\0ders",
    "or ders",
    "or/ders",
    "örders",
    "orders\n",
    7,
    None,
    ["a"],
]


def test_a_name_that_no_queue_can_have_is_refused(outbox: Outbox, tables: Database) -> None:
    for queue in NO_NAMES:
        with pytest.raises(InvalidQueueName) as caught:
            outbox.enqueue_now(queue, b"")
        assert caught.value.name == queue
        assert len(str(caught.value)) < 400
    assert_nothing_written(tables)
