from __future__ import annotations

from typing import Any

from outbox import Outbox, OutboxMessage, Reject
from outbox.statements.tables import TABLES
from outbox.testing import drain, reset
from outbox.testing.reset import STATEMENTS
from tests.contrib.testing.support import LEASED, Handlers, builder
from tests.support import Database

# What stays: the schema, the identity and the settings of queues.
KEPT = {"migrations", "installation", "epochs", "queues", "partitions"}


def test_every_table_is_emptied_or_kept_on_purpose() -> None:
    emptied = {name.removeprefix("reset_") for name in STATEMENTS} - {"cursors", "revision"}
    assert emptied | {"processor"} | KEPT == TABLES


def test_nothing_of_one_test_is_delivered_in_the_next(migrated: Database) -> None:
    handlers = Handlers()
    handlers.fail = fail_on_even_numbers
    with builder(migrated.url, handlers, max_attempts=1).open() as box:
        for number in range(6):
            box.enqueue_now(LEASED, number, partition=0)
        assert drain(box).dead_lettered == 3
        for number in range(4):
            box.enqueue_now(LEASED, number, partition=0)
        handlers.mails.clear()
        for target in (box, migrated.url, migrated.engine()):
            reset(target)
            assert not any(
                migrated.count(f"outbox_{table}")
                for table in ("body", "incoming", "dead_letters", "outgoing")
            )
            assert drain(box).processed == 0
            box.enqueue_now(LEASED, 99, partition=0)
            counts = drain(box)
            assert (counts.processed, counts.left) == (1, 0)
            box.enqueue_now(LEASED, 1)
    assert handlers.mails == [99] * 3


def fail_on_even_numbers(msg: OutboxMessage) -> None:
    if msg.json() % 2 == 0:
        raise Reject("even")


def test_no_number_comes_again(migrated: Database) -> None:
    seen: list[Any] = []
    with (
        Outbox.builder(migrated.url)
        .queue("orders", 1)
        .leased(lambda msg: seen.append((msg.seq, msg.id)))
        .open() as box
    ):
        for _ in range(3):
            box.enqueue_now("orders", 1)
            drain(box)
            box.enqueue_now("orders", 2)
            reset(box)
    assert [seq for seq, _ in seen] == [1, 2, 3]
    ids = [id_ for _, id_ in seen]
    assert sorted(set(ids)) == ids


def test_workers_go_on_after_a_reset(migrated: Database) -> None:
    handlers = Handlers()
    with builder(migrated.url, handlers).start() as handle:
        from tests.support import eventually

        for number in range(3):
            handle.outbox.enqueue_now(LEASED, number)
            eventually(lambda: handlers.mails and handlers.mails[-1] == number)  # noqa: B023 - called here
            reset(migrated.url)
