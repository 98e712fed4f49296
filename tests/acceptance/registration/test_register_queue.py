from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from outbox import (
    ConfigurationError,
    InvalidQueueName,
    Outbox,
    OutboxBuilder,
    PartitionCountMismatch,
    Partitions,
    QueueNotRegistered,
)
from tests.support import Database


@pytest.fixture
def opened(migrated: Database) -> Iterator[Outbox]:
    with Outbox.builder(migrated.url).open() as outbox:
        yield outbox


def ids_of(database: Database, queue: str) -> list[int]:
    column = "`partition`" if database.backend in {"mysql", "mariadb"} else "partition"
    return [
        id_
        for (id_,) in database.query(
            f"SELECT id FROM outbox_partitions WHERE queue = ? ORDER BY {column}", queue
        )
    ]


def rows(database: Database) -> list[list[tuple[object, ...]]]:
    return [
        sorted(database.query(f"SELECT * FROM outbox_{table}"), key=repr)
        for table in ("partitions", "processor", "vacuum")
    ]


@pytest.mark.parametrize("count", [1, 4, 64])
def test_a_queue_of_n_partitions_gets_n_rows_of_each_kind_at_zero(
    opened: Outbox, migrated: Database, count: int
) -> None:
    opened.register_queue("orders", Partitions.of(count))

    ids = ids_of(migrated, "orders")
    assert len(set(ids)) == count
    zeros = [(id_, 0, 0) for id_ in sorted(ids)]
    cursors = "SELECT partition_id, processed_seq, attempts FROM outbox_processor ORDER BY partition_id"
    vacuumed = "SELECT partition_id, vacuumed_seq, 0 FROM outbox_vacuum ORDER BY partition_id"
    assert migrated.query("SELECT id, sequence, 0 FROM outbox_partitions ORDER BY id") == zeros
    assert migrated.query(cursors) == zeros
    assert migrated.query(vacuumed) == zeros


def test_registering_again_changes_nothing(opened: Outbox, migrated: Database) -> None:
    opened.register_queue("orders", Partitions.of(4))
    before = rows(migrated)
    opened.register_queue("orders", 4)
    Outbox.builder(migrated.url).queue("orders", 4).enqueue_only().open().close()
    assert rows(migrated) == before


@pytest.mark.parametrize("other", [2, 8])
def test_another_count_is_refused_with_both_counts(opened: Outbox, migrated: Database, other: int) -> None:
    opened.register_queue("orders", 4)
    before = rows(migrated)
    with Outbox.builder(migrated.url).open() as elsewhere:
        for outbox in (opened, elsewhere):
            with pytest.raises(PartitionCountMismatch) as caught:
                outbox.register_queue("orders", other)
            error = caught.value
            assert (error.queue, error.expected, error.found) == ("orders", other, 4)
            assert f"expected {other}, found 4" in str(error)
    assert rows(migrated) == before


@pytest.mark.parametrize("enter", [OutboxBuilder.open, OutboxBuilder.start], ids=["open", "start"])
def test_a_builder_that_declares_another_count_does_not_come_up(
    opened: Outbox, migrated: Database, enter: Callable[[OutboxBuilder], object]
) -> None:
    opened.register_queue("orders", 4)
    builder = Outbox.builder(migrated.url).queue("orders", 2).leased(print)
    with pytest.raises(PartitionCountMismatch) as caught:
        enter(builder)
    assert (caught.value.expected, caught.value.found) == (2, 4)


def test_a_count_that_is_no_power_of_two_up_to_64_is_refused(opened: Outbox, migrated: Database) -> None:
    builder = Outbox.builder(migrated.url)
    counts: list[Any] = [0, 3, 65, 128, -1, True, 2.0, "4", None]
    for count, enter in product(counts, [opened.register_queue, builder.queue]):
        with pytest.raises(ConfigurationError, match="power of two from 1 to 64") as caught:
            enter("orders", count)
        assert (caught.value.option, caught.value.value) == ("partitions", count)
    assert migrated.count("outbox_partitions") == 0


def test_queues_have_partitions_of_their_own_and_each_tells_its_queue(
    opened: Outbox, migrated: Database
) -> None:
    opened.register_queue("orders", 4)
    opened.register_queue("audit", 2)
    orders, audit = ids_of(migrated, "orders"), ids_of(migrated, "audit")
    assert len({*orders, *audit}) == 6
    with Outbox.builder(migrated.url).open() as stranger:
        for outbox in (opened, stranger):
            assert {outbox.queue_of(id_) for id_ in orders} == {"orders"}
            assert {outbox.queue_of(id_) for id_ in audit} == {"audit"}
            assert outbox.queue_of(max(*orders, *audit) + 1) is None


def test_names_that_differ_in_case_are_different_queues(opened: Outbox, migrated: Database) -> None:
    opened.register_queue("orders", 1)
    opened.register_queue("Orders", 2)
    opened.register_queue("ORDERS", 4)
    assert [len(ids_of(migrated, name)) for name in ("orders", "Orders", "ORDERS")] == [1, 2, 4]

    sent = {opened.enqueue_now(name, b""): name for name in ("orders", "Orders", "ORDERS")}
    stored = migrated.query(
        "SELECT i.body_id, p.queue FROM outbox_incoming i JOIN outbox_partitions p ON p.id = i.partition_id"
    )
    assert dict(stored) == sent


def test_the_longest_name_is_kept_whole(opened: Outbox, migrated: Database) -> None:
    names = ["q" * 1023 + end for end in "12"]
    for name in names:
        opened.register_queue(name, 1)
    assert [opened.queue_of(ids_of(migrated, name)[0]) for name in names] == names


def test_a_bad_name_is_refused(opened: Outbox, migrated: Database) -> None:
    builder = Outbox.builder(migrated.url)
    names: list[Any] = [
        "",
        "q" * 1025,
        ".orders",
        "orders-",
        "or\0ders",
        "or ders",
        "or/ders",
        "örders",
        7,
        None,
    ]
    for name, enter in product(names, [opened.register_queue, builder.queue]):
        with pytest.raises(InvalidQueueName) as caught:
            enter(name, 2)
        assert caught.value.name == name
    assert migrated.count("outbox_partitions") == 0


def test_an_outbox_enqueues_only_to_queues_that_it_was_told_of(opened: Outbox, migrated: Database) -> None:
    Outbox.builder(migrated.url).queue("orders", 2).enqueue_only().open().close()
    with pytest.raises(QueueNotRegistered) as caught:
        opened.enqueue_now("orders", b"")
    assert caught.value.queue == "orders"
    opened.register_queue("orders", 2)
    assert opened.enqueue_now("orders", b"") > 0
