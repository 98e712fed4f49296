from __future__ import annotations

from collections.abc import Callable

import pytest

from outbox import ConfigurationError, Outbox, OutboxBuilder, OutboxMessage, QueueBuilder, QueueNotRegistered
from tests.support import Database, eventually

URL = "sqlite:////nowhere/outbox.db"


def ignore(*_: object) -> None:
    """Handle nothing."""


Declare = Callable[[QueueBuilder], OutboxBuilder]

WAYS: dict[str, Declare] = {
    "leased": lambda queue: queue.leased(ignore),
    "leased_batch": lambda queue: queue.leased_batch(ignore),
    "transactional": lambda queue: queue.transactional(ignore),
    "transactional_batch": lambda queue: queue.transactional_batch(ignore),
    "enqueue_only": lambda queue: queue.enqueue_only(),
}
any_way = pytest.mark.parametrize("declare", WAYS.values(), ids=WAYS)


@any_way
def test_a_queue_declared_twice_is_refused_at_once(declare: Declare) -> None:
    builder = declare(Outbox.builder(URL).queue("orders", 2))
    with pytest.raises(ConfigurationError, match="'orders': it is declared already"):
        builder.queue("orders", 2)
    declare(builder.queue("Orders", 2))


@any_way
def test_a_queue_is_consumed_in_one_way_only(declare: Declare) -> None:
    queue = Outbox.builder(URL).queue("orders", 2)
    declare(queue)
    with pytest.raises(ConfigurationError, match="declared already"):
        queue.leased(ignore)


def test_a_queue_left_undecided_cannot_be_declared_again() -> None:
    builder = Outbox.builder(URL)
    undecided = builder.queue("orders", 2)
    with pytest.raises(ConfigurationError, match="declared already"):
        builder.queue("orders", 2)
    undecided.leased(ignore)


def test_workers_do_not_start_for_a_queue_that_was_left_undecided(migrated: Database) -> None:
    builder = Outbox.builder(migrated.url).queue("audit", 2).leased(ignore)
    builder.queue("orders", 2)
    with pytest.raises(ConfigurationError, match=r"'orders'.*enqueue_only\(\)") as caught:
        builder.start()
    assert caught.value.option == "queue"
    assert migrated.count("outbox_partitions") == 0


def test_a_producer_needs_no_handlers(migrated: Database) -> None:
    builder = Outbox.builder(migrated.url)
    builder.queue("orders", 2)
    with builder.open() as outbox:
        assert outbox.enqueue_now("orders", b"") > 0


@pytest.mark.parametrize("queues", [[], ["orders"]])
def test_workers_without_any_handler_do_not_start(migrated: Database, queues: list[str]) -> None:
    builder = Outbox.builder(migrated.url)
    for name in queues:
        builder = builder.queue(name, 2).enqueue_only()
    with pytest.raises(ConfigurationError, match=r"no queue has a handler; .* open\(\)"):
        builder.start()


def test_a_worker_process_may_have_queues_that_it_only_enqueues_to(migrated: Database) -> None:
    consumed: list[str] = []

    def forward(msg: OutboxMessage) -> None:
        consumed.append(msg.queue)
        handle.outbox.enqueue_now("elsewhere", msg.payload)

    # Left as it is enqueued: whoever consumes the queue sequences it, too.
    wanted = {("orders", 0, 0), ("elsewhere", 0, 0), ("elsewhere", 1, 0)}
    builder = Outbox.builder(migrated.url).queue("orders", 2).leased(forward)
    with builder.queue("elsewhere", 2).enqueue_only().start() as handle:
        handle.outbox.enqueue_now("orders", b"x")
        eventually(lambda: waiting(handle.outbox) == wanted)
    assert consumed == ["orders"]


def waiting(outbox: Outbox) -> set[tuple[str, int, int]]:
    return {(row.queue, row.incoming, row.backlog) for row in outbox.status().partitions}


def test_an_outbox_without_queues_opens_and_knows_none(migrated: Database) -> None:
    with Outbox.builder(migrated.url).open() as outbox:
        assert outbox.status().partitions == []
        with pytest.raises(QueueNotRegistered):
            outbox.enqueue_now("orders", b"")


def test_a_monitor_without_queues_sees_those_of_every_process(migrated: Database) -> None:
    builder = Outbox.builder(migrated.url).queue("orders", 4).enqueue_only().queue("mails", 2).enqueue_only()
    with builder.open() as producer, Outbox.builder(migrated.url).open() as monitor:
        for number in range(3):
            producer.enqueue_now("orders", number, partition=number)

        seen = monitor.status()

        assert [(row.queue, row.partition, row.incoming) for row in seen.partitions] == [
            ("mails", 0, 0), ("mails", 1, 0), ("orders", 0, 1), ("orders", 1, 1), ("orders", 2, 1), ("orders", 3, 0),
        ]  # fmt: skip
        assert [row.state for row in seen.partitions] == ["idle"] * 2 + ["waiting"] * 3 + ["idle"]
        assert [row.partition_id for row in producer.status().partitions] == [
            row.partition_id for row in seen.partitions
        ]
