from __future__ import annotations

from outbox.backends.protocol import Backend
from outbox.backends.records import DeadLetterRecord, Settlement
from tests.contract.actor import Actor
from tests.contract.crew import Crew
from tests.support import Database


def process(actor: Actor, partition_id: int, count: int, *, upto: int | None = None) -> None:
    """Deliver ``count`` messages and settle those up to ``upto``."""
    actor.deliverable(partition_id, *[b"x"] * count)
    actor.take(partition_id, limit=count)
    actor.settle(Settlement(partition_id, count if upto is None else upto))


def left(database: Database) -> tuple[int, int]:
    return database.count("outbox_outgoing"), database.count("outbox_body")


def test_only_what_lies_behind_the_cursor_is_deleted(
    store: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    process(actor, ids[0], 5, upto=3)
    actor.deliverable(ids[1], b"unprocessed")
    actor.producer.send(ids[1], b"not sequenced")

    assert store.vacuum(ids, 100) == 3
    assert left(migrated) == (3, 4)
    assert migrated.query("SELECT seq FROM outbox_outgoing WHERE partition_id = ? ORDER BY seq", ids[0]) == [
        (4,),
        (5,),
    ]
    assert store.vacuum(ids, 100) == 0
    assert actor.row(ids[0])[0] == 3


def test_the_budget_is_shared_by_the_partitions_and_the_rest_follows(
    store: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    process(actor, ids[0], 7)
    process(actor, ids[1], 2)
    process(actor, ids[2], 4)

    deleted = []
    while n := store.vacuum(ids, 5):
        deleted.append(n)

    assert sum(deleted) == 13
    assert max(deleted) <= 5
    assert left(migrated) == (0, 0)
    assert sorted(migrated.query("SELECT partition_id, vacuumed_seq FROM outbox_vacuum")) == sorted(
        [(ids[0], 7), (ids[1], 2), (ids[2], 4), (ids[3], 0)]
    )


def test_partitions_not_asked_for_are_left_alone(
    store: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    process(actor, ids[0], 2)
    process(actor, ids[1], 2)

    assert store.vacuum(ids[1:], 100) == 2
    assert left(migrated) == (2, 2)


def test_dead_letters_outlive_their_messages(
    store: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    actor.deliverable(ids[0], b"poison")
    actor.take(ids[0])
    actor.settle(Settlement(ids[0], 1, dead=(DeadLetterRecord(1, "no", 1),)))

    assert store.vacuum(ids, 100) == 1
    assert left(migrated) == (0, 0)
    assert actor.dead() == [(1, "no", 1)]


def test_a_missing_body_does_not_stop_the_vacuum(
    store: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    process(actor, ids[0], 3)
    migrated.execute("DELETE FROM outbox_body")

    assert store.vacuum(ids, 100) == 3
    assert left(migrated) == (0, 0)


def test_two_vacuums_at_once_delete_everything_once(
    store: Backend, ids: list[int], actor: Actor, migrated: Database
) -> None:
    for partition_id in ids:
        process(actor, partition_id, 40)
    deleted: list[int] = []

    crew = Crew()

    def sweep() -> None:
        while crew.going() and any(found.dirty for found in store.pending(ids)):
            deleted.append(store.vacuum(ids, 7))

    crew.run(sweep, sweep, sweep)

    assert sum(deleted) == 160
    assert left(migrated) == (0, 0)
